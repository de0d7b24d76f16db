"""The dry run of a search space's corners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.unit.tuning.scripted import ScriptedPlace, new_study
from workbench.errors import PresetError
from workbench.processes.messages import Failure
from workbench.processes.plan import PEAK, Plan
from workbench.processes.plans import Planning
from workbench.settings.preset import Preset
from workbench.tuning.check import CornerCheck, corners_of, is_needed
from workbench.tuning.controller import Controller
from workbench.tuning.question import Question
from workbench.tuning.sampler import Suggestion
from workbench.tuning.space import SearchSpace
from workbench.tuning.view import StudyView, read_study_view
from workbench.tuning.ways.search import Search

SPACE = {"data.batch_size": {"low": 16, "high": 512}, "model.name": {"choices": ["mlp", "cnn"]}}
MIB = 2**20


def plan_of(peak_bytes: int) -> Plan:
    return Plan(
        device="cpu", task="classification", learns="digits", outputs=10, input_shape=(1, 8, 8), parameters=100,
        train_samples=10, steps_per_epoch=1, steps=1, data_loading="on_device", memory_bytes={PEAK: peak_bytes},
        peak_during="", model="", notes=(),
    )  # fmt: skip


class FakePlanning(Planning):
    """Plans by a function, at the second poll."""

    def __init__(self, answers: Sequence[Plan | Failure]) -> None:
        self._answers = list(answers)
        self._polls = 0

    def poll(self) -> list[Plan | Failure] | None:
        self._polls += 1
        return self._answers if self._polls > 1 else None

    def wait(self) -> list[Plan | Failure]:
        return self._answers

    def close(self) -> None:
        self._answers = []


def check(preset: Preset, answer: Callable[[Preset], Plan | Failure], memory: int | None = 100 * MIB) -> CornerCheck:
    found = corners_of(SearchSpace.parse(SPACE, preset), preset)
    return CornerCheck(found, lambda: memory, lambda presets: FakePlanning([answer(each) for each in presets]))


def test_corners_are_the_preset_and_the_ends_and_choices_of_the_space() -> None:
    preset = Preset().override(["data.batch_size=64"])
    found = corners_of(SearchSpace.parse(SPACE, preset), preset)
    assert found[0].words == "the preset itself"
    assert {corner.preset.data.batch_size for corner in found[1:]} == {16, 512}
    assert {corner.preset.model.name for corner in found[1:]} == {"mlp", "cnn"}
    assert 'model.name="cnn"' in " ".join(corner.words for corner in found)


def test_numbers_of_an_optimizer_need_no_dry_run() -> None:
    rate = {"optimizer.learning_rate": {"low": 1e-4, "high": 0.1}}
    dropout = {"model.dropout": {"low": 0.0, "high": 0.5}}
    batch = {"data.batch_size": {"low": 16, "high": 64}}
    choice = {"optimizer.name": {"choices": ["adam", "sgd"]}}
    needed = [is_needed(SearchSpace.parse(rate | more, Preset())) for more in ({}, dropout, batch, choice)]
    assert needed == [False, False, True, True]


def test_a_corner_that_cannot_be_built_is_refused_with_its_place() -> None:
    def answer(preset: Preset) -> Plan | Failure:
        return Failure("no images", 2, "preset") if preset.model.name == "cnn" else plan_of(1)

    found = check(Preset(), answer)
    assert found.poll() is None
    with pytest.raises(PresetError, match=r'cannot be trained at .*model.name="cnn".*: no images') as raised:
        found.poll()
    assert raised.value.exit_code == 2


def test_a_preset_that_cannot_be_built_is_refused_by_its_own_words() -> None:
    found = check(Preset(), lambda preset: Failure("the file is missing", 3, "data"))
    assert found.poll() is None
    with pytest.raises(PresetError, match=r"^the file is missing$") as raised:
        found.poll()
    assert (raised.value.exit_code, raised.value.kind) == (3, "data")


def test_where_all_fits_no_trial_is_planned_again() -> None:
    asked: list[Preset] = []

    def answer(preset: Preset) -> Plan:
        asked.append(preset)
        return plan_of(50 * MIB)

    found = check(Preset(), answer)
    assert (found.poll(), found.poll(), found.poll()) == (None, "", "")
    before = len(asked)
    assert found.why_not(Preset()) == ""
    assert len(asked) == before


def test_trials_that_cannot_fit_are_skipped_and_the_others_trained(tmp_path: Path) -> None:
    sizes = [64, 16, 512, 32]
    question = Question(way="search", search=SPACE, trials=4, discard="none", confirm=0)
    study = new_study(tmp_path, question)

    def suggest(view: StudyView) -> Suggestion:
        return Suggestion({"data.batch_size": sizes[len(view.trials)]}, "list")

    way = Search(question, suggest, epochs=4, seed=0)
    dry_run = check(Preset(), lambda preset: plan_of(preset.data.batch_size * MIB))
    finished = Controller(study, way, [ScriptedPlace()], 0.0, check=dry_run).run()
    assert finished.status == "completed"
    view = read_study_view(study)
    assert [trial.status for trial in view.trials.values()] == ["completed", "completed", "discarded", "completed"]
    assert view.trials[2].reason == "skipped: it needs 512 MiB of memory, 100 MiB are there"
    assert view.trials[2].run == ""
    assert view.notes == ["the largest trials of this space need 512 MiB, 100 MiB are there: those are skipped"]


def test_a_refused_space_ends_the_study(tmp_path: Path) -> None:
    question = Question(way="search", search=SPACE, trials=4, confirm=0)
    study = new_study(tmp_path, question)
    way = Search(question, lambda view: Suggestion({"data.batch_size": 64}, "list"), epochs=4, seed=0)
    dry_run = check(Preset(), lambda preset: Failure("no images", 2, "preset"))
    with pytest.raises(PresetError, match="no images"):
        Controller(study, way, [ScriptedPlace()], 0.0, check=dry_run).run()
    assert len(read_study_view(study).trials) == 1, "only the first does not wait for the dry run"


def test_several_presets_are_planned_in_one_process() -> None:
    answers = Planning([Preset().override(["data.name=iris"]), Preset().override(["data.name=iris", "model.name=cnn"])])
    first, second = answers.wait()
    assert isinstance(first, Plan)
    assert first.outputs == 3
    assert isinstance(second, Failure)
    assert "needs images" in second.error
