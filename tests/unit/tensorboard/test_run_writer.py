"""What was written for TensorBoard is read back by TensorBoard's own reader."""

from __future__ import annotations

import gzip
import io
import json
import math
import resource
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from workbench.alerts.clock import Clock
from workbench.errors import StorageError, UsageError
from workbench.followers.tensorboard import RunReader
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.event_lines import encode
from workbench.runs.events import (
    EpochEnd,
    Event,
    Finished,
    Logged,
    Prepared,
    Started,
    State,
    Steps,
    TestResult,
    TextGenerated,
    WarningRaised,
)
from workbench.runs.measurements import Footprint, Health, Memory, Profiled, Timing
from workbench.settings.preset import Preset
from workbench.tensorboard import packages
from workbench.tensorboard.confusion_image import confusion_png
from workbench.tensorboard.log_folder import LogFolder, write_run, write_runs
from workbench.tensorboard.log_folder import State as LogState

NOON = 1_795_521_600.0
ALL = {"scalars": 0, "images": 0, "tensors": 0}


class FakeClock(Clock):
    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return create_run(tmp_path / "runs", "made", Preset(name="made").to_toml())


def append(run: RunDirectory, *events: Event) -> None:
    with run.events.open("a") as file:
        file.writelines(f"{encode(event)}\n" for event in events)


def read(folder: Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder), size_guidance=ALL)
    accumulator.Reload()
    return accumulator


def scalars(folder: Path, tag: str) -> list[tuple[int, float, float]]:
    """(step, value, wall time) of each."""
    return [(each.step, each.value, each.wall_time) for each in read(folder).Scalars(tag)]


def prepared(time: float, *, classes: Iterable[str] = ("no", "yes")) -> Prepared:
    return Prepared(
        device="cpu", device_name="", task="classification", classes=list(classes), train_samples=40,
        validation_samples=10, test_samples=10, batch_size=4, steps_per_epoch=10, epochs=2, monitor="accuracy",
        time=time,
    )  # fmt: skip


def begun(time: float = NOON, *, step: int = 0, resumed: bool = False) -> list[Event]:
    return [
        State(state="preparing", step=0, time=time),
        Started(process_id=1, step=step, resumed=resumed, time=time + 1),
        prepared(time + 2),
    ]


def steps(first: int, losses: list[float], seconds: float, time: float) -> Steps:
    return Steps(first_step=first, epoch=first / 10, losses=losses, learning_rate=0.5, seconds=seconds, time=time)


def epoch(number: int, step: int, time: float, *, confusion: list[list[int]] | None = None, best: bool = True) -> Event:
    validation: dict[str, Any] = {"loss": 0.25, "accuracy": 0.75, "f1": [0.5, 1.0]}
    if confusion is not None:
        validation["confusion"] = confusion
    train = {"loss": 0.5, "accuracy": 0.625}
    return EpochEnd(epoch=number, step=step, learning_rate=0.5, train=train, validation=validation, best=best,
                    train_seconds=2.0, validation_seconds=1.0, time=time)  # fmt: skip


def test_the_loss_of_each_step_has_its_own_time(run: RunDirectory, tmp_path: Path) -> None:
    # Four steps a second; then two seconds of validation, after which come two steps more.
    append(run, *begun(), steps(1, [4.0, 3.0, math.nan, 1.0], 1.0, NOON + 10), steps(5, [0.5, 0.25], 1.5, NOON + 12.5))
    write_run(run, tmp_path / "tb")
    found = scalars(tmp_path / "tb", "loss/step")
    assert [step for step, _, _ in found] == [1, 2, 3, 4, 5, 6]
    assert [value for _, value, _ in found if not math.isnan(value)] == [4.0, 3.0, 1.0, 0.5, 0.25]
    assert math.isnan(found[2][1])
    times = [when - NOON for _, _, when in found]
    assert times == pytest.approx([9.25, 9.5, 9.75, 10, 12.25, 12.5])
    assert scalars(tmp_path / "tb", "learning_rate") == [(4, 0.5, NOON + 10), (6, 0.5, NOON + 12.5)]


def test_metrics_of_epochs_and_of_the_test_have_their_step_and_time(run: RunDirectory, tmp_path: Path) -> None:
    tested = TestResult(step=20, weights="best epoch 2", metrics={"loss": None, "accuracy": 0.5}, time=NOON + 9)
    append(run, *begun(), epoch(1, 10, NOON + 5), epoch(2, 20, NOON + 8), tested)
    write_run(run, tmp_path / "tb")
    folder = tmp_path / "tb"
    assert scalars(folder, "accuracy/train") == [(10, 0.625, NOON + 5), (20, 0.625, NOON + 8)]
    assert scalars(folder, "loss/validation") == [(10, 0.25, NOON + 5), (20, 0.25, NOON + 8)]
    assert scalars(folder, "epoch") == [(10, 1.0, NOON + 5), (20, 2.0, NOON + 8)]
    assert scalars(folder, "accuracy/test") == [(20, 0.5, NOON + 9)]
    assert math.isnan(scalars(folder, "loss/test")[0][1])
    assert "f1/validation" not in read(folder).Tags()["scalars"]


def test_what_was_measured_is_there_and_what_is_missing_is_not(run: RunDirectory, tmp_path: Path) -> None:
    append(
        run,
        *begun(),
        Timing(step=7, steps=7, timed_steps=7, phase_ms={"forward": 1.5}, step_ms={"p50": 2.5}, steps_per_second=400.0,
               samples_per_second=1600.0, time=NOON + 3),
        Memory(step=7, host_rss_bytes=1024, gpus=[{"index": 1, "name": "A", "used_bytes": 2048}], time=NOON + 4),
        Footprint(step=7, kinds={"parameters": 8}, expected=[], peak_bytes=64, time=NOON + 5),
        Health(step=7, epoch=1, samples=4, seconds=0.1, gradient_norm=0.5, weight_norm=None, time=NOON + 6,
               layers=[{"name": "a", "kind": "relu", "units": 4, "dead_share": 0.25}],
               tensors=[{"name": "a.weight", "gradient_norm": 0.125, "gradient_mean": 0.1, "non_finite_share": 0.0}]),
    )  # fmt: skip
    write_run(run, tmp_path / "tb")
    found = read(tmp_path / "tb")
    tags = {tag: found.Scalars(tag)[0].value for tag in found.Tags()["scalars"]}
    assert tags == {
        "phase_ms/forward": 1.5, "step_ms/p50": 2.5, "pace/steps_per_second": 400.0, "pace/samples_per_second": 1600.0,
        "memory/host_rss_bytes": 1024.0, "gpu_1/used_bytes": 2048.0, "footprint_bytes/parameters": 8.0,
        "footprint_bytes/peak": 64.0, "health/gradient_norm": 0.5, "gradient_norm/a.weight": 0.125,
        "dead_share/a": 0.25,
    }  # fmt: skip
    assert {found.Scalars(tag)[0].step for tag in tags} == {7}


def hparams(folder: Path, tag: str) -> Any:
    content = read(folder).SummaryMetadata(tag).plugin_data.content
    return plugin_data_pb2.HParamsPluginData.FromString(content)


def test_settings_and_metrics_are_hyper_parameters(run: RunDirectory, tmp_path: Path) -> None:
    append(run, *begun(), epoch(1, 10, NOON + 5), Finished(status="completed", step=10, time=NOON + 9))
    write_run(run, tmp_path / "tb")
    folder, preset = tmp_path / "tb", Preset()
    settings = hparams(folder, "_hparams_/session_start_info").session_start_info.hparams
    assert settings["optimizer.learning_rate"].number_value == preset.optimizer.learning_rate
    assert settings["data.name"].string_value == preset.data.name
    assert settings["runtime.measure"].bool_value is True
    assert "name" not in settings
    experiment = hparams(folder, "_hparams_/experiment").experiment
    tags = [metric.name.tag for metric in experiment.metric_infos]
    assert tags == ["loss/validation", "accuracy/validation", "loss/test", "accuracy/test"]
    assert set(tags[:2]) <= set(read(folder).Tags()["scalars"])
    assert hparams(folder, "_hparams_/session_end_info").session_end_info.status == 1  # STATUS_SUCCESS


def test_a_loop_that_does_not_tell_its_splits_has_the_metrics_that_it_told(run: RunDirectory, tmp_path: Path) -> None:
    def told(number: int, validation: dict[str, Any] | None) -> EpochEnd:
        train = {"loss": 0.5, "accuracy": 0.5}
        return EpochEnd(epoch=number, step=number, train=train, validation=validation, best=True, time=NOON + number)

    events = [
        Prepared(device="cpu", device_name="", time=NOON),
        Logged(step=1, metrics={"of_steps": 1.0}, time=NOON),
        told(1, None),
        told(2, {"accuracy": 0.75, "bleu": 30.0, "per_class": [1.0]}),
    ]
    tested = TestResult(step=2, weights="as the loop gave them", metrics={"accuracy": 0.5}, time=NOON + 3)
    append(run, *events)
    written(run, tmp_path / "tb", FakeClock())
    append(run, tested, Finished(status="completed", step=2, time=NOON + 4))
    written(run, tmp_path / "tb", FakeClock())  # another process knows what the first has read
    experiment = hparams(tmp_path / "tb", "_hparams_/experiment").experiment
    tags = [metric.name.tag for metric in experiment.metric_infos]
    assert tags == ["loss/train", "accuracy/validation", "bleu/validation", "accuracy/test"]
    assert set(tags) <= set(read(tmp_path / "tb").Tags()["scalars"])


def test_a_loop_without_validation_is_compared_by_what_it_trains_by(run: RunDirectory, tmp_path: Path) -> None:
    trained = EpochEnd(epoch=1, step=1, train={"loss": None}, best=True, time=NOON)  # type: ignore[dict-item]
    append(run, Prepared(device="", device_name="", time=NOON), trained, Finished(status="stopped", step=2, time=NOON))
    write_run(run, tmp_path / "tb")
    experiment = hparams(tmp_path / "tb", "_hparams_/experiment").experiment
    assert [metric.name.tag for metric in experiment.metric_infos] == ["loss/train"]


def test_several_runs_share_their_columns(tmp_path: Path) -> None:
    chosen = [Preset(name="a"), Preset(name="b").override(["optimizer.name=sgd"])]
    runs = [create_run(tmp_path / "runs", preset.name, preset.to_toml()) for preset in chosen]
    for run in runs:
        append(run, *begun())
    write_runs(runs, tmp_path / "tb")
    columns, own = [], []
    for run in runs:
        folder = tmp_path / "tb" / run.name
        columns.append({info.name for info in hparams(folder, "_hparams_/experiment").experiment.hparam_infos})
        own.append(set(hparams(folder, "_hparams_/session_start_info").session_start_info.hparams))
    assert columns[0] == columns[1] == own[0] | own[1]
    assert "optimizer.momentum" in own[1] - own[0]


def test_a_failed_run_is_a_failed_session(run: RunDirectory, tmp_path: Path) -> None:
    append(run, *begun(), Finished(status="failed", step=0, time=NOON + 9))
    write_run(run, tmp_path / "tb")
    assert hparams(tmp_path / "tb", "_hparams_/session_end_info").session_end_info.status == 2  # STATUS_FAILURE


def test_a_run_that_was_stopped_and_resumed_is_a_good_session(run: RunDirectory, tmp_path: Path) -> None:
    append(run, *begun(), Finished(status="stopped", step=0, time=NOON + 9))
    append(run, *begun(NOON + 20, resumed=True), Finished(status="completed", step=0, time=NOON + 30))
    write_run(run, tmp_path / "tb")
    assert hparams(tmp_path / "tb", "_hparams_/session_end_info").session_end_info.status == 1


def test_the_confusion_matrix_is_a_picture_of_the_best_epoch(run: RunDirectory, tmp_path: Path) -> None:
    matrix = [[9, 1], [0, 10]]
    quick = [epoch(number, 10 * number, NOON + 5 + number / 100, confusion=matrix) for number in range(1, 50)]
    worse = epoch(50, 500, NOON + 6, confusion=[[0, 1], [1, 0]], best=False)
    append(run, *begun(), *quick, worse, Finished(status="completed", step=500, time=NOON + 9))
    write_run(run, tmp_path / "tb")
    pictures = read(tmp_path / "tb").Images("confusion/validation")
    assert [each.step for each in pictures] == [10, 490]  # the first, and the best at the end
    image = Image.open(io.BytesIO(pictures[-1].encoded_image_string))
    assert image.size == (pictures[-1].width, pictures[-1].height)


def test_the_picture_is_darker_where_more_samples_are() -> None:
    made = confusion_png([[9, 1, 0], [0, 10, 0], [0, 0, 0]], ["a", "b" * 100, "c\n"])
    assert made is not None
    image = Image.open(io.BytesIO(made[0]))
    reds = np.asarray(image)[112 : 112 + 3 * 44 : 44, 112 : 112 + 3 * 44 : 44, 0]  # near a corner of each cell
    assert reds.tolist() == [[47, 232, 255], [255, 24, 255], [255, 255, 255]]
    assert confusion_png([[1, 2]], []) is None
    assert confusion_png([[0] * 101] * 101, []) is None


def test_texts_and_warnings_are_shown_as_they_are(run: RunDirectory, tmp_path: Path) -> None:
    text = TextGenerated(step=3, epoch=1, prompt="To be", text=" or\n# not", time=NOON + 4)
    append(run, *begun(), text, WarningRaised(step=3, message="the data is small", time=NOON + 5))
    write_run(run, tmp_path / "tb")
    found = read(tmp_path / "tb")
    [generated] = found.Tensors("text/generated")
    assert generated.tensor_proto.string_val[0] == b"    To be or\n    # not"
    assert generated.step == 3
    assert found.SummaryMetadata("text/generated").plugin_data.plugin_name == "text"
    assert found.Tensors("text/warnings")[0].tensor_proto.string_val[0] == b"    the data is small"


def test_a_trace_lies_where_the_profilers_plugin_looks(run: RunDirectory, tmp_path: Path) -> None:
    run.profiles.mkdir()
    (run.profiles / "step-1-2.json.gz").write_bytes(gzip.compress(b'{"traceEvents": []}'))
    profiled = Profiled(step=2, first_step=1, steps=2, device="cpu", file="profiles/step-1-2.json.gz", bytes=1,
                        seconds=1.0, operators=[], time=NOON)  # fmt: skip
    append(run, *begun(), profiled, replace(profiled, file="profiles/gone.json.gz", time=NOON + 60))
    write_run(run, tmp_path / "tb")
    [trace] = (tmp_path / "tb" / "plugins" / "profile").rglob("*.pt.trace.json.gz")
    assert trace.parent.name == "2026_11_24_12_00_00"
    assert json.loads(gzip.decompress(trace.read_bytes())) == {"traceEvents": []}


def test_a_strangers_run_copies_and_overwrites_no_other_file(run: RunDirectory, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a secret")
    profiled = Profiled(step=2, first_step=1, steps=2, device="cpu", file=str(secret), bytes=1, seconds=1.0,
                        operators=[], time=NOON)  # fmt: skip
    run.profiles.mkdir()
    (run.profiles / "link").symlink_to(secret)
    append(run, *begun(), profiled, replace(profiled, file="../../secret"), replace(profiled, file="profiles/link"))
    write_run(run, tmp_path / "tb")
    assert not (tmp_path / "tb" / "plugins").exists()
    state = tmp_path / "state.json"
    for file in ("../secret", "secret", str(secret), "events.out.tfevents./../../secret"):
        LogState(str(tmp_path), file).save(state)
        assert LogState.read(state) is None
    LogState("a\0b", "events.out.tfevents.1.host").save(state)
    assert LogState.read(state) is None
    LogState(str(tmp_path), "events.out.tfevents.1.host", 5, 7).save(state)
    assert LogState.read(state) == LogState(str(tmp_path), "events.out.tfevents.1.host", 5, 7)


def test_without_its_package_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"--tensorboard needs .* pip install 'tuning-workbench\[tensorboard\]'"):
        packages.check_packages("--tensorboard")


def test_a_run_that_trains_steps_again_shows_them_once(run: RunDirectory, tmp_path: Path) -> None:
    append(run, *begun(), steps(1, [9.0] * 20, 2.0, NOON + 5), epoch(1, 10, NOON + 5), epoch(2, 20, NOON + 6))
    append(run, *begun(NOON + 100, step=10, resumed=True), steps(11, [1.0] * 5, 0.5, NOON + 105))
    write_run(run, tmp_path / "tb")
    found = scalars(tmp_path / "tb", "loss/step")
    assert [(step, value) for step, value, _ in found] == [(n, 9.0) for n in range(1, 11)] + [
        (n, 1.0) for n in range(11, 16)
    ]
    assert [when for _, _, when in found] == sorted(when for _, _, when in found)
    assert [step for step, _, _ in scalars(tmp_path / "tb", "accuracy/validation")] == [10]


def test_the_random_end_of_its_name_shows_whose_a_file_is(run: RunDirectory, tmp_path: Path) -> None:
    append(run, *begun(), steps(1, [1.0] * 9, 1.0, NOON + 5))
    victim = tmp_path / "victim"
    victim.mkdir()
    for name in ("events.out.tfevents.1.host", f"events.out.tfevents.1.host.{'0' * 31}", "events.out.tfevents.1"):
        (victim / name).write_bytes(bytes(1000))
        log = LogFolder(run, LogState(str(victim), name, 0, 7))
        log.take(begun(), 5)
        log.close()
        assert (victim / name).read_bytes() == bytes(1000)
        assert log.state.file != name
        assert (victim / log.state.file).stat().st_size > 100
    own = log.state
    log = LogFolder(run, own)
    assert log.state == own


def test_a_trace_is_not_written_through_a_link(run: RunDirectory, tmp_path: Path) -> None:
    run.profiles.mkdir()
    (run.profiles / "a.json.gz").write_bytes(b"")
    profiled = Profiled(step=2, first_step=1, steps=2, device="cpu", file="profiles/a.json.gz", bytes=1, seconds=1.0,
                        operators=[], time=NOON)  # fmt: skip
    append(run, *begun(), profiled)
    (tmp_path / "tb").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tb" / "plugins").symlink_to(tmp_path / "elsewhere")
    write_run(run, tmp_path / "tb")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def written(run: RunDirectory, wanted: Path, clock: FakeClock, *, kill: bool = False) -> None:
    """A life of the follower: it reads what is there. kill: it dies before it has noted how far it has come."""
    reader = RunReader(run, wanted, clock)
    while lines := reader.tail.read():
        reader.take([event for _, event in lines], reader.tail.offset)
    if not kill:
        reader.end()
    reader.close()


def test_a_follower_that_starts_again_repeats_nothing_wherever_it_was_killed(run: RunDirectory, tmp_path: Path) -> None:
    clock, folder = FakeClock(), tmp_path / "tb"
    append(run, *begun(), steps(1, [3.0] * 10, 1.0, NOON + 5), epoch(1, 10, NOON + 5, confusion=[[1, 0], [0, 1]]))
    written(run, folder, clock)
    size = next(folder.glob("events*")).stat().st_size
    append(run, steps(11, [2.0] * 10, 2.0, NOON + 6))
    written(run, folder, clock, kill=True)
    assert next(folder.glob("events*")).stat().st_size > size
    append(run, steps(21, [1.0] * 10, 3.0, NOON + 7), epoch(2, 30, NOON + 7, confusion=[[1, 0], [0, 1]]))
    append(run, Finished(status="completed", step=30, time=NOON + 8))
    written(run, folder, clock)
    whole = tmp_path / "whole"
    write_run(run, whole)
    for tag in ("loss/step", "learning_rate", "accuracy/validation"):
        assert scalars(folder, tag) == scalars(whole, tag)
    assert [step for step, _, _ in scalars(folder, "loss/step")] == list(range(1, 31))
    assert [each.step for each in read(folder).Images("confusion/validation")] == [10, 30]
    assert len(list(folder.glob("events*"))) == 1


def test_a_follower_begins_anew_where_its_file_was_removed(run: RunDirectory, tmp_path: Path) -> None:
    clock, folder = FakeClock(), tmp_path / "tb"
    append(run, *begun(), steps(1, [3.0] * 10, 1.0, NOON + 5))
    written(run, folder, clock)
    next(folder.glob("events*")).unlink()
    append(run, steps(11, [2.0] * 10, 2.0, NOON + 6))
    written(run, folder, clock)
    assert len(scalars(folder, "loss/step")) == 20


def test_a_full_disk_is_an_error_after_which_it_continues(run: RunDirectory, tmp_path: Path) -> None:
    clock, folder = FakeClock(), tmp_path / "tb"
    append(run, *begun(), steps(1, [3.0] * 10, 1.0, NOON + 5))
    written(run, folder, clock)
    append(run, steps(11, [2.0] * 5000, 2.0, NOON + 6))
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, usual[1]))
    try:
        with pytest.raises(StorageError, match=r"File too large\. Free some space"):
            written(run, folder, clock)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    written(run, folder, clock)
    assert [step for step, _, _ in scalars(folder, "loss/step")] == list(range(1, 5011))


def test_nothing_is_written_through_a_link(run: RunDirectory, tmp_path: Path) -> None:
    append(run, *begun())
    log = LogFolder(run, LogState(""))
    (run.path / log.state.file).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="it is a link"):
        log.take(begun(), 5)
    assert not (tmp_path / "elsewhere").exists()


def test_a_run_without_events_is_refused(run: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="has recorded nothing yet"):
        write_run(run, tmp_path / "tb")


def test_each_of_a_hundred_thousand_steps_is_written(run: RunDirectory, tmp_path: Path) -> None:
    append(run, *begun(), *(steps(1 + 100 * n, [1.0] * 100, 0.1 * n, NOON + 5 + 0.1 * n) for n in range(1000)))
    write_run(run, tmp_path / "tb")
    assert len(scalars(tmp_path / "tb", "loss/step")) == 100_000
