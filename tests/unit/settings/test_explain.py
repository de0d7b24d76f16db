"""`--list`, `--explain` and the JSON schema say what the declarations say."""

from __future__ import annotations

import json
import tomllib

import pytest

from workbench.errors import UsageError
from workbench.settings import explain
from workbench.settings.preset import FAMILIES, Preset
from workbench.settings.toml_text import toml


@pytest.mark.parametrize("family", FAMILIES)
def test_every_choice_of_a_family_is_listed_and_explained(family: str) -> None:
    listed = [name for name, _, _ in explain.list_choices(family)]
    assert listed == FAMILIES[family].labels
    for label in listed:
        [(title, summary, rows)] = explain.explain(f"{family}.{label}")
        choice = FAMILIES[family].choice(label)
        assert choice is not None
        assert (title, summary) == (f"{family}.{label}", choice.summary())
        assert [row[0] for row in rows] == [name for name in choice.model_fields if name != choice.tag]


def test_bounds_unit_and_default_are_shown() -> None:
    [(_, _, [row])] = explain.explain("data.digits.batch_size")
    assert row == ("batch_size", "whole number, ≥ 1, ≤ 10000000, in samples", "64", "samples per batch")


def test_what_a_setting_needs_to_have_an_effect_is_said() -> None:
    [(_, _, [row])] = explain.explain("optimizer.sgd.dampening")
    assert row[3] == "dampening of the gradient in the momentum; only with momentum"


@pytest.mark.parametrize(
    ("path", "words"),
    [("optimzer", "did you mean optimizer"), ("optimizer.adm", "did you mean adam"), ("training.epoch", "epochs")],
)
def test_an_unknown_name_to_explain_gets_the_nearest_name(path: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        explain.explain(path)


def test_an_unknown_name_to_list_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="did you mean optimizers"):
        explain.list_choices("optimisers")


def test_the_schema_contains_every_table_and_every_choice() -> None:
    schema = json.loads(explain.schema())
    assert set(schema["properties"]) == set(Preset.model_fields)
    assert set(schema["properties"]["optimizer"]["discriminator"]["mapping"]) == set(FAMILIES["optimizer"].labels)
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("value", [True, 3, 0.001, 1e-8, 1e6, 'a"b', (1, 2), ("x",), 0.0, 1000.0])
def test_values_are_shown_as_toml(value: object) -> None:
    shown = tomllib.loads(f"x = {toml(value)}")["x"]
    assert shown == (list(value) if isinstance(value, tuple) else value)
