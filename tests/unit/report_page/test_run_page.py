"""The page of a run: its values, its structure, and runs of which little is known."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.report_page.made import Page, epoch_events, made_run, prepared, usual_events
from workbench.report_page.comparison_page import comparison_page
from workbench.report_page.record import read_record
from workbench.report_page.run_page import run_page
from workbench.report_page.tables import read_tables
from workbench.runs.directory import RunDirectory
from workbench.runs.events import (
    EpochEnd,
    Event,
    Finished,
    Logged,
    Prepared,
    Started,
    Steps,
    TextGenerated,
    WarningRaised,
)
from workbench.runs.labels import Labels, write_labels
from workbench.runs.lock import claim
from workbench.runs.measurements import Footprint, Profiled, Timing
from workbench.runs.own_loop import OwnLoop
from workbench.settings.preset import Preset
from workbench.tuning.sides import side_of

PROFILED = Profiled(
    step=8, first_step=5, steps=2, device="cpu", file="trace.gz", bytes=1, seconds=1.0,
    operators=[{"name": "aten::mm", "calls": 4, "self_ms": 1.0, "total_ms": 2.0, "share": 0.5}],
)  # fmt: skip
FOOTPRINT = Footprint(
    step=4, kinds={"parameters": 1000, "rest": 5}, expected=["rest"], peak_bytes=2000, peak_at="a step"
)
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def page_of(run: RunDirectory) -> Page:
    return Page(run_page(read_record(run), NOW))


def test_results_settings_times_and_environment_are_on_it(tmp_path: Path) -> None:
    preset = Preset(name="pets", description="cats and dogs")
    preset = preset.override(["optimizer.learning_rate=0.02", "training.epochs=3"])
    page = page_of(made_run(tmp_path, usual_events(), preset=preset, summary={}))
    assert page.has_row("test accuracy", "83.33 %", "best epoch 2")
    assert page.has_row("best epoch", "2", "by validation accuracy")
    assert page.has_row("train, epoch 3", "validation, epoch 2", "test, best epoch 2")
    assert page.has_row("accuracy ↑", "80.00 %", "80.00 %", "83.33 %")
    assert page.has_row("loss ↓", "0.3333", "0.6000", "0.6100")
    assert page.has_row("class", "precision %", "recall %", "F1 %", "samples")
    assert page.has_row("cat", "100.0", "75.0", "85.7", "4")
    assert page.has_row("Most confused: cat predicted as dog (1 ×).")
    assert page.has_row("forward", "1.5 ms", "75 %")
    assert page.has_row("training", "1.50 s")
    assert page.has_row("validation", "0.25 s")
    assert page.has_row("learning_rate", "0.02")
    assert page.has_row("GPU", "1 × NVIDIA H100")
    assert page.has_row("PyTorch", "2.9.0")
    assert page.has_row("peak memory", "500 MiB")
    assert "completed after 3 epochs, 12 steps" in page.text
    assert "It learns 2 classes (cat, dog); 16 train, 6 validation, 6 test samples" in page.text
    assert "workbench --preset fast" in page.text
    assert "workbench train ./pets.toml" in page.text
    assert preset.to_toml() in page.texts, "the preset as it was trained"
    assert page.text.endswith("2026-01-02 03:04 UTC")
    own = [attributes for tag, attributes in page.tags if tag == "tr" and attributes.get("class") == "own"]
    assert len(own) == 2, "learning rate and epochs"


def test_whose_machine_it_was_is_not_said(tmp_path: Path) -> None:
    command = "/home/me/bin/workbench train a/b.toml"
    environment = {"command": command, "host": {"hostname": "secret"}, "working_folder": "/home"}
    run = made_run(tmp_path, usual_events(), summary={}, environment=environment)
    text = run_page(read_record(run), NOW)
    assert "secret" not in text
    assert "/home" not in text
    assert str(tmp_path) not in text
    assert "workbench train a/b.toml" in text


def test_curves_are_drawn_and_nothing_is_loaded(tmp_path: Path) -> None:
    text = run_page(read_record(made_run(tmp_path, usual_events(), summary={})), NOW)
    page = Page(text)
    charts = [attributes["aria-label"] for tag, attributes in page.tags if tag == "svg" and "aria-label" in attributes]
    assert charts == ["loss", "accuracy %", "time of a step by phase, ms", "samples/s", "memory, MiB"]
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "img", "iframe", "object", "form", "base")]
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"url\(|@import|\bon\w+=", text)
    policies = [attributes["content"] for _, attributes in page.tags if "http-equiv" in attributes]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


HOSTILE = "<script>alert(1)</script>\"'&amp;\x1b[31m\u202e</title></style>"


def test_whatever_files_say_is_text(tmp_path: Path) -> None:
    events: list[Any] = [
        Started(process_id=1),
        prepared(classes=[HOSTILE, "dog"], learns=HOSTILE, device_name=HOSTILE, engine_reason=HOSTILE),
        *usual_events()[2:],
        WarningRaised(step=3, message=HOSTILE),
        TextGenerated(step=4, epoch=1, prompt=HOSTILE, text=HOSTILE),
    ]
    preset = Preset(name="pets", description=HOSTILE.replace("\x1b[31m", "")).override(
        ["data.name=csv", "data.file='<i>.csv'", "data.target=a"]
    )
    environment = {HOSTILE: HOSTILE, "command": HOSTILE, "git_revision": HOSTILE, "gpus": [{"name": HOSTILE}]}
    run = made_run(
        tmp_path, events, preset=preset, summary={"reason": HOSTILE, "status": "failed"}, environment=environment
    )
    write_labels(run.labels, Labels(("<b>",), "<script>note</script>"))
    text = run_page(read_record(run), NOW)
    page = Page(text)
    assert "<script" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<i>" not in text
    shown = "<script>alert(1)</script>\"'&amp;\\u202e</title></style>"
    places = [each for each in page.texts if shown in each]
    assert len(places) == 15, "reason, what it learns, two of its classes, a warning, a text, the environment, ..."
    assert "<b>" in page.texts
    assert "<script>note</script>" in page.texts


def test_a_language_model_shows_what_it_wrote(tmp_path: Path) -> None:
    texts = [TextGenerated(step=4 * n, epoch=n, prompt="Once", text=f" upon {n}\na time") for n in range(1, 21)]
    perplexity = {"loss": 1.0, "perplexity": 2.718, "token_accuracy": 0.5, "bits_per_byte": 1.4427}
    events = [Started(process_id=1), prepared(task="language_modeling", classes=[], monitor="loss"), *texts]
    run = made_run(tmp_path, events, summary={"validation": perplexity, "test": None, "monitor": "loss"})
    page = page_of(run)
    headings = [text for text in page.texts if text.startswith("After epoch")]
    assert headings == [f"After epoch {n}" for n in (1, 5, 9, 12, 16, 20)]
    assert page.has_row("Once", " upon 20\na time")
    assert page.has_row("validation bits/byte", "1.4427", "epoch 2")
    assert "PPL ↓" in page.texts
    assert "Classes" not in page.text


def test_a_regression_without_validation_has_its_training_metrics(tmp_path: Path) -> None:
    only_train: dict[str, Any] = {"validation_samples": None, "test_samples": None}
    events = [Started(process_id=1), prepared(task="regression", classes=[], **only_train)]
    for epoch in (1, 2):
        events += [each for each in epoch_events(epoch, [1.0] * 4, None, True) if not isinstance(each, EpochEnd)]
        events.append(EpochEnd(epoch=epoch, step=4 * epoch, learning_rate=0.01, train={"loss": 1 / epoch}, best=True))
    ended = {"train": {"loss": 0.5}, "validation": None, "test": None, "monitor": "loss"}
    page = page_of(made_run(tmp_path, events, summary=ended))
    assert page.has_row("train loss", "0.5000")
    assert page.has_row("loss ↓", "0.5000")
    assert "test" not in [text for text in page.texts if text.startswith("test")]
    assert "16 train samples" in page.text


def test_a_run_in_progress_says_how_far_it_is(tmp_path: Path) -> None:
    run = made_run(tmp_path, usual_events()[:10])  # two epochs
    with claim(run):
        page = page_of(run)
    assert "in progress after 2 of 3 epochs, 8 steps" in page.text
    assert page.has_row("validation accuracy", "80.00 %", "epoch 2")
    assert page.has_row("forward", "1 ms", "29 %"), "the latest reading"
    assert not any(text.startswith("test ") for text in page.texts)


def test_a_failed_run_says_why_and_breaks_its_curve(tmp_path: Path) -> None:
    losses = [2.0, 3.0, math.nan, math.inf]
    reason = "the loss at step 3 is not a finite number"
    events: list[Event] = [Started(process_id=1), prepared()]
    events.append(Steps(first_step=1, epoch=1.0, losses=losses, learning_rate=1.0, seconds=1.0))
    events.append(Finished(status="failed", step=4, reason=reason))
    nothing = {"validation": None, "train": None, "test": None, "best_epoch": None, "epoch": 0}
    run = made_run(tmp_path, events, summary={"status": "failed", "reason": reason} | nothing)
    text = run_page(read_record(run), NOW)
    page = Page(text)
    assert page.has_row("failed after 0 of 3 epochs, 4 steps", reason)
    [line] = re.findall(r'class="l s-train" d="([^"h]*)"', text)
    assert line.count("M") == 1, "what is not finite is not drawn"
    assert len(line.split()) == 2
    assert "nan" not in re.sub(r">[^<]*<", "><", text)


@pytest.mark.parametrize("broken", ["preset", "summary", "events", "environment", "empty"])
def test_broken_files_are_said_or_left_out(tmp_path: Path, broken: str) -> None:
    run = made_run(tmp_path, usual_events(), summary={})
    match broken:
        case "preset":
            run.preset.write_text("name = <")
        case "summary":
            run.summary.write_text("{")
        case "events":
            run.events.write_bytes(b"\xff\x00garbage\n" * 100)
        case "environment":
            run.environment.write_text("[1, 2")
        case "empty":
            for path in (run.events, run.summary, run.environment):
                path.unlink()
    page = page_of(run)
    said = {
        "preset": "The preset cannot be read: ",
        "summary": "summary.json cannot be read",
        "events": "completed",
        "environment": "Train it again",
        "empty": "not started",
    }[broken]
    assert said in page.text
    assert page.has_row("accuracy ↑", "80.00 %", "80.00 %", "83.33 %") == (broken != "empty")


def test_many_classes_and_a_long_run_stay_small(tmp_path: Path) -> None:
    classes = range(150)
    by_class: dict[str, Any] = {name: [0.5] * 150 for name in ("precision", "recall")}
    by_class |= {"f1": [place / 150 for place in classes], "support": [4] * 150}
    by_class["confusion"] = [[3 if true == guess else int(guess == 0) for guess in classes] for true in classes]
    names = [f"class {number}" for number in classes]
    events: list[Event] = [Started(process_id=1), prepared(classes=names, epochs=5000, steps_per_epoch=40)]
    for epoch in range(1, 5001):
        losses = [1000.0 if epoch == 2500 and place == 7 else 1.0 + place % 3 for place in range(40)]
        first, seconds = 40 * epoch - 39, float(epoch)
        events.append(Steps(first_step=first, epoch=seconds, losses=losses, learning_rate=0.1 / epoch, seconds=seconds))
        found = {"loss": 1.0, "accuracy": epoch / 5000} | (by_class if epoch == 5000 else {})
        train = {"loss": 1.0}
        end = EpochEnd(epoch=epoch, step=40 * epoch, learning_rate=0.1, train=train, validation=found, best=True)
        events.append(end)
    text = run_page(read_record(made_run(tmp_path, events)), NOW)
    page = Page(text)
    assert len(text) < 400_000
    assert "the 60 classes with the lowest F1, of 150" in page.text
    assert {"class 0", "class 59"} <= set(page.texts)
    assert "class 60" not in page.texts
    labels = [attributes.get("aria-label") for tag, attributes in page.tags if tag == "svg"]
    assert "loss, log scale" in labels, "one step of a thousand in two hundred thousand is seen"
    assert "confusion matrix" in labels


ODD: tuple[Any, ...] = (None, math.nan, -1, 1e299, "x", [], [[None, 1], [1, 1]], {"train": None})
FEW_ODD = (None, [None])


def test_whatever_a_summary_holds_there_is_a_page(tmp_path: Path) -> None:
    run = made_run(tmp_path, usual_events(), summary={})
    whole = json.loads(run.summary.read_text())
    confused = {"confusion": [[None, 1], [1e9, 2]], "support": [None, 1], "f1": [None, 0.5]}
    odd: list[dict[str, Any]] = [{name: value} for name in whole for value in ODD]
    odd += [{"test": {"accuracy": value, "loss": value}} for value in ODD]
    odd.append({"test": confused})
    for change in odd:
        run.summary.write_text(json.dumps(whole | change))
        page_of(run)


def test_whatever_events_hold_there_is_a_page(tmp_path: Path) -> None:
    events = [*usual_events(), PROFILED, FOOTPRINT, TextGenerated(step=4, epoch=1, prompt="a", text="b")]
    run = made_run(tmp_path, events)
    lines = [json.loads(line) for line in run.events.read_text().splitlines()]
    last_of_type = {line["type"]: place for place, line in enumerate(lines)}
    for place in last_of_type.values():
        for name in lines[place]:
            for value in FEW_ODD:
                changed = [*lines[:place], lines[place] | {name: value}, *lines[place + 1 :]]
                run.events.write_text("".join(f"{json.dumps(line)}\n" for line in changed))
                page_of(run)


def test_whatever_the_environment_holds_there_is_a_page(tmp_path: Path) -> None:
    run = made_run(tmp_path, usual_events(), summary={})
    odd = {"gpus": [1, {}], "command": 1, "git_revision": []}
    for value in (*ODD, odd, {"gpus": 1, "host": {"memory_bytes": "x"}}):
        run.environment.write_text(json.dumps(value))
        page_of(run)
    run.environment.write_text('{"a":' * 900 + "1" + "}" * 900)
    page_of(run)


def test_what_a_resumed_run_did_again_counts_once(tmp_path: Path) -> None:
    again = [Started(process_id=2, resumed=True, step=4, epoch=1), prepared()]
    run = made_run(tmp_path, [*usual_events()[:-1], *again, *usual_events()[6:]], summary={})
    record = read_record(run)
    assert [bucket.last_step for bucket in record.phases["forward"].buckets] == [4, 8, 12]
    assert [bucket.last_step for bucket in record.memory["host_rss_bytes"].buckets] == [4, 8, 12]
    assert ">R</text>" in run_page(record, NOW), "it is marked where it was resumed"


def test_a_loop_of_the_users_own(tmp_path: Path) -> None:
    """No preset, no plan, metrics of its own, steps without a loss."""
    events: list[Event] = [
        Started(process_id=1),
        Prepared(device="cpu", device_name="CPU", engine="", task=""),
        Steps(first_step=1, epoch=0.5, losses=[3.0, 2.0], seconds=1.0, last_step=4),
        Logged(step=4, metrics={"bleu<": 0.25}),
        Timing(step=4, steps=4, timed_steps=4, phase_ms={"step": 2.0}, step_ms={}, steps_per_second=1.0),
        EpochEnd(
            epoch=1, step=8, train={"loss": 2.5}, validation={"loss": 2.0, "bleu<": 0.5}, best=True, monitor="bleu<"
        ),
    ]
    run = made_run(tmp_path, events)
    run.preset.write_text(OwnLoop("mine", settings={"lr": 0.5}).to_toml())
    record = read_record(run)
    page = Page(run_page(record, NOW))
    assert page.has_row("validation bleu<", "0.5", "epoch 1")
    assert page.has_row("bleu<", "-", "0.5")
    assert page.has_row("settings", "lr", "0.5")
    assert "after 1 epoch, 8 steps" in page.text
    assert "It was trained by a loop of your own: only that can train it again." in page.text
    assert page.has_row("step", "2 ms", "100 %")
    labels = [attributes["aria-label"] for tag, attributes in page.tags if tag == "svg" and "aria-label" in attributes]
    assert labels == ["loss", "bleu<"], "one reading of time is no curve"
    named = {name: list(rows) for name, rows in read_tables(run).named().items()}
    assert [row[0] for row in named["steps"][1:]] == [1, 2, 3, 4]
    assert named["logged"] == [["step", "bleu<"], [4, 0.25]]
    assert named["epochs"][0][-3:] == ["train_loss", "validation_loss", "validation_bleu<"]
    other = made_run(tmp_path, usual_events(), summary={})
    compared = Page(comparison_page([record, read_record(other)], [side_of(run), side_of(other)], NOW))
    assert compared.has_row("bleu<", "0.5", "-")
    assert compared.has_row("settings.lr", "0.5", "-")
    assert not compared.has_row("optimizer.learning_rate", "-", "0.001"), "it has no such setting"
    assert "A was made by a loop of your own, without a preset: its own settings are shown." in compared.texts
    assert f"{run.name} and {other.name} have no metric in common" in compared.text


def test_importing_it_loads_no_torch() -> None:
    pages = ("run_page", "comparison_page", "tables")
    code = f"import sys, {', '.join(f'workbench.report_page.{page}' for page in pages)};"
    code += "print([name for name in ('torch', 'textual', 'rich', 'workbench.ui') if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
