"""What `workbench compare` prints, for people and for scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tuning.made import ENVIRONMENT, made_run, made_study
from workbench.cli.root import app
from workbench.metrics import metrics_for
from workbench.runs.directory import RunDirectory
from workbench.runs.own_loop import OwnLoop
from workbench.settings.preset import Preset
from workbench.tuning.side_tables import in_ranges

LOW = [0.80, 0.81, 0.79, 0.80, 0.82, 0.78]
HIGH = [0.85, 0.88, 0.83, 0.86, 0.86, 0.84]
SLOWER, FASTER = Preset(name="slower"), Preset(name="faster").override(["optimizer.learning_rate=0.05"])


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("WORKBENCH_RUNS", "WORKBENCH_STUDIES"):
        monkeypatch.delenv(name, raising=False)


def compare(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    with pytest.raises(SystemExit) as exit:
        app(args=["compare", *words], prog_name="workbench")
    said = capsys.readouterr()
    assert exit.value.code == code, said.err
    return said.out, said.err


def result(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    out, _ = compare(capsys, *words, "--json")
    found = json.loads(out.splitlines()[-1])
    assert list(found) == ["type", "differences", "metrics"]
    assert found["type"] == "result"
    return found  # type: ignore[no-any-return]


def test_studies_that_differ_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    made_study(Path("studies"), SLOWER, accuracies=LOW)
    made_study(Path("studies"), FASTER, accuracies=HIGH, forward_ms=1.0)
    out, _ = compare(capsys, "slower", "faster")
    rows = [line.split() for line in out.splitlines()]
    assert ["optimizer.learning_rate", "0.001", "0.05"] in rows
    assert ["forward", "0.500", "1.000", "2.00"] in rows
    assert ["validation", "accuracy", "80.00", "±", "1.41", "%", "85.33", "±", "1.75", "%"] in rows
    assert ["validation", "accuracy", "+5.33", "%", "+4.06", "to", "+6.60", "0.0312", "B"] in rows
    assert ["validation", "loss", "-0.0533", "-0.0660", "to", "-0.0406", "0.0312", "B"] in rows
    assert "the smallest that 6 pairs allow is 0.0312" in " ".join(out.split())
    assert out.splitlines()[-1] == (
        "B is better than A by accuracy on the validation split: difference +5.33 %, "
        "95 % interval +4.06 to +6.60 %, p 0.0312 over 6 pairs."
    )
    assert "neither the environment nor the code revision differs" in out
    only, _ = compare(capsys, "slower", "faster", "--quiet")
    assert only.splitlines() == out.splitlines()[-1:]


def test_tables_fit_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    names = [metric.name for metric in metrics_for("classification", 10)]
    for preset in (SLOWER, FASTER):
        study = made_study(Path("studies"), preset, accuracies=[0.5])
        for seed in range(1, 8):
            values = dict.fromkeys(names, 0.123456 * (seed % 3) * (1 + preset.optimizer.learning_rate))
            made_run(study.trials, preset.override([f"training.seed={seed}"]), validation=values, test=values)
    out, _ = compare(capsys, "slower", "faster")
    tables = [line for line in out.splitlines() if line.startswith(" ") and not line.startswith("  ")]
    assert max(map(len, tables)) <= 80
    assert any(line.startswith(" validation precision") and line.rstrip().endswith(("unclear", "B")) for line in tables)


def test_the_result_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    made_study(Path("studies"), SLOWER, accuracies=LOW)
    made_study(Path("studies"), FASTER, accuracies=HIGH, environment=ENVIRONMENT | {"torch": "2.11.0"})
    found = result(capsys, "slower", "faster")
    assert found["differences"] == {
        "optimizer.learning_rate": [0.001, 0.05],
        "environment.torch": ["2.9.0", "2.11.0"],
    }, "step times are the same"
    assert list(found["metrics"]) == ["loss", "accuracy", "accuracy/test"]
    accuracy = found["metrics"]["accuracy"]
    assert accuracy["difference"] == pytest.approx(0.16 / 3)
    assert accuracy["interval"] == pytest.approx([0.0406, 0.0660], abs=5e-5)
    assert (accuracy["p"], accuracy["smallest_p"]) == (0.03125, 0.03125)
    assert set(accuracy) == {"difference", "interval", "p", "smallest_p"}


def test_single_runs_tell_nothing_and_what_it_takes_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    a = made_run(Path("runs"), SLOWER, validation={"accuracy": 0.8})
    b = made_run(Path("runs"), FASTER, validation={"accuracy": 0.9}, status="stopped")
    out, _ = compare(capsys, "slower", "faster")
    assert "B  " + b.name in out
    assert "seed 0, stopped" in out
    assert "95 % interval" not in out
    assert out.splitlines()[-4:] == [
        "A and B: nothing can be concluded. There is one pair of runs, and chance alone moves accuracy on the "
        "validation split.",
        "It would take at least 6 seeds each, about 36.0 s. Train them so, and compare the studies:",
        f"  workbench tune repeat --preset runs/{a.name}/preset.toml --seeds 6",
        f"  workbench tune repeat --preset runs/{b.name}/preset.toml --seeds 6",
    ]
    metrics = result(capsys, "slower", "faster")["metrics"]
    assert metrics == {"accuracy": {"difference": pytest.approx(0.1), "interval": None, "p": 1.0, "smallest_p": 1.0}}


def test_a_side_of_other_seeds_is_repeated_with_those_of_the_study(capsys: pytest.CaptureFixture[str]) -> None:
    made_study(Path("studies"), SLOWER, accuracies=LOW)
    made_run(Path("runs"), FASTER.override(["training.seed=9"]), validation={"accuracy": 0.9})
    out, _ = compare(capsys, "slower", "faster", "-q")
    assert "no seed or fold that both were trained with" in out
    assert "It would take at least 6 seeds for B, about 18.0 s." in out
    assert out.splitlines()[-1].endswith("/preset.toml --seeds 6 --set training.seed=0")


def test_too_few_pairs_say_what_they_allow(capsys: pytest.CaptureFixture[str]) -> None:
    made_study(Path("studies"), SLOWER, accuracies=LOW[:5])
    made_study(Path("studies"), FASTER, accuracies=HIGH[:5])
    out, _ = compare(capsys, "slower", "faster", "-q")
    assert "A and B cannot be told apart by accuracy on the validation split" in out
    assert "5 pairs allow no p below 0.0625; one below 0.05 takes at least 6." in out
    assert "It would take at least 6 seeds each" in out


def test_more_than_two_sides_are_each_compared_with_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    made_study(Path("studies"), SLOWER, accuracies=LOW)
    made_study(Path("studies"), FASTER, accuracies=HIGH)
    third = Preset(name="third").override(["training.epochs=3", "loss.label_smoothing=0.1"])
    made_study(Path("studies"), third, accuracies=LOW)
    out, _ = compare(capsys, "slower", "faster", "third")
    assert ["training.epochs", "10", "10", "3"] in [line.split() for line in out.splitlines()]
    assert "B is better than A by accuracy" in out
    assert "A and C cannot be told apart by accuracy" in out
    assert "A and C minimise different losses" in out
    assert "No realistic number of seeds" in out
    found = result(capsys, "slower", "faster", "third")
    assert found["differences"]["training.epochs"] == [10, 10, 3]
    assert [each["p"] for each in found["metrics"]["accuracy"]] == [0.03125, 1.0]
    assert [each is None for each in found["metrics"]["loss"]] == [False, True]


def own_loop_run(loop: str = "own", **environment: Any) -> RunDirectory:
    run = made_run(Path("runs"), Preset(name="mine"), validation={"accuracy": 0.9}, environment=environment)
    run.preset.write_text(OwnLoop("mine", loop, 3, {"lr": 0.5}).to_toml())
    return run


def test_a_loop_of_the_users_own_lacks_the_settings_of_a_preset(capsys: pytest.CaptureFixture[str]) -> None:
    a = made_run(Path("runs"), SLOWER, validation={"accuracy": 0.8})
    own_loop_run(workbench="1.1", git_revision="0123456789ab")
    out, _ = compare(capsys, "slower", "mine")
    rows = [line.split() for line in out.splitlines()]
    start, end = rows.index(["settings", "A", "B"]), rows.index(["environment", "A", "B"])
    shown = [row for row in rows[start + 2 : end] if row]
    said = "B was made by a loop of your own, without a preset: its own settings are shown"
    assert shown == [["training.epochs", "10", "3"], ["settings.lr", "-", "0.5"], said.split()]
    assert ["workbench", "1.0", "1.1"] in rows
    assert not [row for row in rows if row[:1] == ["torch"]], "it has not imported it"
    differences = result(capsys, "slower", "mine")["differences"]
    assert differences["optimizer.learning_rate"] == [0.001, None]
    assert (differences["loop"], differences["training.seed"]) == ([None, "own"], [0, None])
    assert differences["environment.torch"] == ["2.9.0", None]
    out, _ = compare(capsys, "mine", str(a.path))
    assert "A was made by a loop of your own" in out
    assert ["settings.lr", "0.5", "-"] in [line.split() for line in out.splitlines()]


def test_presets_that_differ_are_shown_beside_another_loop(capsys: pytest.CaptureFixture[str]) -> None:
    made_run(Path("runs"), SLOWER, validation={"accuracy": 0.8})
    made_run(Path("runs"), FASTER, validation={"accuracy": 0.8}, environment=ENVIRONMENT | {"torch": "2.11.0"})
    own_loop_run("tensorboard")
    out, _ = compare(capsys, "slower", "mine", "faster")
    rows = [line.split() for line in out.splitlines()]
    assert ["optimizer.learning_rate", "0.001", "-", "0.05"] in rows
    assert ["torch", "2.9.0", "-", "2.11.0"] in rows
    assert not [row for row in rows if row[:1] in (["host.hostname"], ["optimizer.name"], ["loop"])]
    said = " ".join(out.split())
    assert "B was made by another program, and read from its TensorBoard log, without a preset" in said
    assert "what B ran on was not recorded" in said


def test_two_loops_of_the_users_own_are_compared_in_all(capsys: pytest.CaptureFixture[str]) -> None:
    run, other = own_loop_run(torch="2.9.0"), own_loop_run("lightning")
    out, _ = compare(capsys, str(run.path), str(other.path))
    assert ["loop", "own", "lightning"] in [line.split() for line in out.splitlines()]
    assert "without a preset" not in out


def test_other_samples_and_other_monitors_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    made_run(Path("runs"), SLOWER, validation={"accuracy": 0.8, "loss": 0.3})
    other = FASTER.override(["validation.seed=4", "training.monitor=loss"])
    made_run(Path("runs"), other, validation={"accuracy": 0.9, "loss": 0.2}, monitor="loss")
    out, _ = compare(capsys, "slower", "faster", "-q")
    assert "A chose its best epoch by accuracy, B by loss." in out.splitlines()
    assert "A and B are measured on different samples: part of any difference may come from those." in out.splitlines()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["slower"], "compare takes two runs or studies, or more"),
        (["slower", "nowhere"], "there is no run 'nowhere'"),
        (["slower", "slower"], "was given twice"),
        (["slower", "empty"], "has no metrics"),
        (["slower", "number"], "is a classification and"),
        (["slower", "broken"], "preset.toml is not valid TOML"),
    ],
)
def test_bad_input_ends_with_2_and_a_line(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    made_run(Path("runs"), SLOWER, validation={"accuracy": 0.8})
    made_run(Path("runs"), Preset(name="empty"), validation=None)
    made_run(Path("runs"), Preset(name="numbers"), validation={"rmse": 2.0})
    broken = made_run(Path("runs"), Preset(name="broken"), validation={"accuracy": 0.8})
    broken.preset.write_text("nonsense")
    out, err = compare(capsys, *words, code=2)
    assert out == ""
    assert err.startswith("error: ")
    assert said in err
    assert len(err.splitlines()) == 1


def test_folders_are_those_of_the_options_and_of_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made_run(Path("r"), SLOWER, validation={"accuracy": 0.8})
    made_study(Path("s"), FASTER, accuracies=[0.9])
    compare(capsys, "slower", "faster", "--runs-dir", "r", "--studies-dir", "s")
    monkeypatch.setenv("WORKBENCH_STUDIES", "s")
    monkeypatch.setenv("WORKBENCH_RUNS", "r")
    compare(capsys, "slower", "faster")
    monkeypatch.delenv("WORKBENCH_RUNS")
    compare(capsys, "slower", "faster", code=2)


@pytest.mark.parametrize(
    ("numbers", "words"), [([3], "3"), ([0, 1, 2, 3, 4], "0 to 4"), ([0, 1, 5, 7, 8], "0 to 1, 5, 7 to 8"), ([], "")]
)
def test_numbers_in_a_row(numbers: list[int], words: str) -> None:
    assert in_ranges(numbers) == words
