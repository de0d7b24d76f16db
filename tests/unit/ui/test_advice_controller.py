"""Advice: when a run is judged, and what becomes of a finding that is tried."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.ui.made_advice import LAUNCH_BOUND, NOTHING_TO_SET, RATE_ONLY, TOO_FAST, make_findings
from tests.unit.advice.made import range_test
from tests.unit.ui.fake_host import Desk
from workbench.advice.finding import Finding
from workbench.ui.controllers.advice import AdviceController
from workbench.ui.controllers.learning_rate import LearningRateController
from workbench.ui.dialogs.comparison import ComparisonDialog
from workbench.ui.dialogs.question import QuestionDialog


def controller(desk: Desk) -> AdviceController:
    rates = LearningRateController(desk.session, desk.run, desk.host)
    return AdviceController(desk.draft, desk.session, rates, desk.host)


def judged(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *found: Finding, answer: object = None, **how: object
) -> tuple[Desk, AdviceController]:
    make_findings(monkeypatch, found)
    desk = Desk(folder, answer)
    desk.watch(**how)
    advice = controller(desk)
    advice.follow()
    advice.renew(None)
    return desk, advice


def test_a_run_is_judged_once_for_each_piece_of_news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, advice = judged(monkeypatch, tmp_path, LAUNCH_BOUND, alive=True)
    assert advice.advice.current == LAUNCH_BOUND
    assert advice.has_found
    assert not advice.has_news
    assert desk.session.watch is not None
    desk.session.watch.has_news = True
    assert advice.has_news


def test_before_a_run_the_settings_are_judged_once_they_were_measured_and_whenever_they_change(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    advice = controller(desk)
    advice.follow()
    assert not advice.has_news, "nothing was measured"
    desk.session.tuned.keep_range_test(desk.draft.preset, range_test(0.0006, 0.0004, 0.003))
    advice.note_measured()
    assert advice.has_news
    advice.renew(None)
    assert not advice.has_news
    assert advice.advice.current is not None
    assert advice.advice.current.fact.startswith("the learning rate is 0.01;")
    desk.draft.enter("optimizer.learning_rate", "0.001")
    assert advice.has_news
    advice.renew(None)
    assert advice.advice.current is None
    assert advice.has_found, "the panel keeps its place"
    desk.draft.enter("optimizer.learning_rate", "0.5")
    advice.renew(None)
    asyncio.run(advice.try_current())
    assert desk.draft.preset.optimizer.learning_rate == 0.0006


def test_another_run_begins_without_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, advice = judged(monkeypatch, tmp_path, LAUNCH_BOUND, alive=True)
    advice.follow()
    assert advice.has_found, "the same run"
    desk.watch(name="20261124T130000Z-fast-0a1c", alive=True)
    advice.follow()
    assert not advice.has_found
    assert advice.advice.current is None


def test_beside_a_study_nothing_is_tried_without_the_users_consent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, advice = judged(monkeypatch, tmp_path, LAUNCH_BOUND, alive=True)
    desk.host.is_free = False
    asyncio.run(advice.try_current())
    assert desk.host.dialogs == []


@pytest.mark.parametrize(("answer", "batch_size"), [("keep", 512), (None, 64)])
def test_a_change_goes_into_the_settings_if_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str | None, batch_size: int
) -> None:
    desk, advice = judged(monkeypatch, tmp_path, LAUNCH_BOUND, answer=answer, alive=True)
    asyncio.run(advice.try_current())
    assert [type(dialog) for dialog in desk.host.dialogs] == [ComparisonDialog]
    assert desk.draft.preset.data.batch_size == batch_size
    assert desk.requests == []
    said = "batch size 512 for the next run; ctrl+s saves the preset" if answer else "nothing has changed"
    assert desk.host.last == said


def test_set_keeps_the_change_and_sets_the_rate_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, advice = judged(monkeypatch, tmp_path, TOO_FAST, answer="set", alive=True)
    asyncio.run(advice.try_current())
    assert desk.draft.preset.optimizer.learning_rate == 0.001
    assert desk.requests == [("set_learning_rate", 0.001)]


@pytest.mark.parametrize(("answer", "asked"), [("learning rate", [("set_learning_rate", 0.002)]), (None, [])])
def test_a_rate_alone_is_set_after_a_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str | None, asked: list[object]
) -> None:
    desk, advice = judged(monkeypatch, tmp_path, RATE_ONLY, answer=answer, alive=True)
    asyncio.run(advice.try_current())
    assert [type(dialog) for dialog in desk.host.dialogs] == [QuestionDialog]
    assert desk.requests == asked


def test_a_run_that_has_ended_gets_no_other_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, advice = judged(monkeypatch, tmp_path, RATE_ONLY, ending="stopped")
    asyncio.run(advice.try_current())
    assert desk.host.dialogs == []
    assert desk.host.last == "the run has ended; a learning rate of 0.002 can be set for the next one"


def test_a_finding_without_a_change_says_that_there_is_nothing_to_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, advice = judged(monkeypatch, tmp_path, NOTHING_TO_SET, alive=True)
    asyncio.run(advice.try_current())
    assert desk.host.dialogs == []
    assert desk.host.last == "there is nothing to try for this one; i shows the details"


def test_a_change_that_no_longer_fits_the_settings_is_not_applied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, advice = judged(monkeypatch, tmp_path, LAUNCH_BOUND, alive=True)
    assert not advice.keep(("optimizer.momentum=0.5",))
    assert desk.draft.changes() == {}
    assert desk.host.last.startswith("not applied: ")


def test_advice_without_a_run_says_where_it_comes_from(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    asyncio.run(controller(desk).explain())
    asyncio.run(controller(desk).try_current())
    assert [text for _, text in desk.host.said] == [
        "advice needs a run: start or open one",
        "there is no advice to try",
    ]
