"""The settings in which runs differ, and whether they are trained on the same data."""

from __future__ import annotations

import pytest

from workbench.settings.differing import differing
from workbench.settings.judged import is_same_data
from workbench.settings.preset import Preset


def test_only_what_differs_is_found_under_its_present_name() -> None:
    runs = [
        {"name": "a", "optimizer.learning_rate": 0.1, "runtime.threads": 1, "model.hidden": [8]},
        {"name": "b", "optimizer.learning_rate": 0.2, "runtime.num_threads": 1},
    ]
    assert differing(runs) == {"optimizer.learning_rate": [0.1, 0.2], "model.hidden": [[8], None]}
    assert differing(runs[:1]) == differing([]) == {}


def test_an_empty_list_is_the_same_as_none() -> None:
    assert differing([{"data.ignore": []}, {}]) == {}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ("data.batch_size=8", True),
        ("data.normalize=none", True),
        ("data.file=other.csv", False),
        ("data.target=weight", False),
        ("data.task=regression", False),
        ("optimizer.learning_rate=0.5", True),
    ],
)
def test_the_data_are_the_same_however_they_are_encoded_and_trained_on(change: str, same: bool) -> None:
    preset = Preset().override(["data.name=csv", "data.file=people.csv", "data.target=height"])
    assert is_same_data(preset, preset.override([change])) is same


def test_other_sources_are_other_data() -> None:
    assert not is_same_data(Preset().override(["data.name=digits"]), Preset().override(["data.name=iris"]))
