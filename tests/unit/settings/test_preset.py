"""A preset is strict, its errors name place and remedy, and overriding keeps the settings that two choices share."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import PresetError, StorageError
from workbench.settings import library
from workbench.settings.loss import LOSSES
from workbench.settings.model import Cnn, Mlp
from workbench.settings.optimizer import Adam, Sgd
from workbench.settings.preset import FAMILIES, Preset

BROKEN = {
    "[": "not valid TOML",
    "x = 1": "line 1, x: unknown table or setting",
    '[data]\nnam = "digits"': "line 2, data.nam: unknown setting of digits; did you mean name?",
    '[data]\nname = "digts"': 'data.name: "digts" (text) is not known; did you mean digits?',
    "[data]\nname = 3": "data.name",
    "[optimizer]\nlerning_rate = 1": "line 2, optimizer.lerning_rate: unknown setting of adam; did you mean learning_r",
    '[optimizer]\nlearning_rate = "a"': 'line 2, optimizer.learning_rate: found "a" (text); needs a number',
    "[optimizer]\nlearning_rate = nan": "found nan; needs a finite number",
    "[optimizer]\nlearning_rate = inf": "found inf; needs a finite number",
    "[optimizer]\nlearning_rate = 0": "must be greater than 0",
    "[optimizer]\nlearning_rate = true": "found true; needs a number",
    "[optimizer]\nbetas = [0.9, 1.5]": "optimizer.betas[1]: found 1.5; must be less than 1",
    "[optimizer]\nbetas = [0.9]": "optimizer.betas",
    '[optimizer]\nname = "sgd"\nmomentum = 0.0\nnesterov = true': "nesterov needs momentum above 0",
    "[training]\nepochs = 0": "line 2, training.epochs: found 0; must be at least 1",
    "[training]\nepochs = 1.5": "needs a whole number",
    "[training]\nepoch = 3": "training.epoch: unknown setting; did you mean epochs?",
    "[model]\nhidden = [1, 'a']": 'model.hidden[1]: found "a" (text); needs a whole number',
    "data = 3": "data: found 3; needs a table",
    '[data]\nname = "csv"\nfile = "a.csv"': "data.target: is needed: the column to predict",
    '[runtime]\ndevice = "gpu"': "runtime.device: found",
    '[validation]\nmethod = "houldout"': "did you mean holdout?",
    'name = "a b"': "name: found",
    '[loss]\nname = "kl"': "loss.name",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_preset_is_refused_with_the_place_and_the_remedy(text: str) -> None:
    with pytest.raises(PresetError) as refused:
        Preset.from_toml(text, "broken.toml")
    assert str(refused.value).startswith("broken.toml")
    assert BROKEN[text] in str(refused.value)


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(PresetError, match="2 problems"):
        Preset.from_toml("[training]\nepochs = 0\nseeed = 3", "broken.toml")


def test_an_empty_preset_takes_every_default() -> None:
    preset = Preset.from_toml("", "empty")
    assert isinstance(preset.optimizer, Adam)
    assert preset.model == Mlp()


def test_a_table_without_a_name_means_the_default_choice() -> None:
    assert Preset.from_toml("[optimizer]\nlearning_rate = 0.5", "x").optimizer == Adam(learning_rate=0.5)


def test_another_choice_keeps_common_settings_and_takes_its_own_defaults() -> None:
    adam = Preset.from_toml("[optimizer]\nlearning_rate = 0.5\nweight_decay = 0.25\neps = 0.1", "x")
    sgd = adam.override(["optimizer.nesterov=true", "optimizer.name=sgd"])
    assert sgd.optimizer == Sgd(learning_rate=0.5, weight_decay=0.25, nesterov=True)


def test_a_setting_with_the_same_name_and_another_meaning_is_not_kept() -> None:
    cnn = Preset().override(["model.hidden=[3]", "model.dropout=0.5"]).override(["model.name=cnn"]).model
    assert isinstance(cnn, Cnn)
    assert (cnn.hidden, cnn.dropout) == (0, 0.5)


def test_overrides_accept_toml_values_and_bare_words() -> None:
    preset = Preset().override(["model.hidden=[3, 4]", "activation.name=tanh", "training.epochs=2", 'name="x"'])
    assert preset.model == Mlp(hidden=(3, 4))
    assert (preset.activation.name, preset.training.epochs, preset.name) == ("tanh", 2, "x")


@pytest.mark.parametrize("bad", ["training.epochs", "=3", "a..b=1", "training.epochs.x=1", "trainin.epochs=1"])
def test_a_bad_override_is_refused(bad: str) -> None:
    with pytest.raises(PresetError, match="--set"):
        Preset().override([bad])


def test_differences_name_settings_that_only_one_side_has() -> None:
    changed = Preset().override(["optimizer.name=sgd", "training.epochs=3"])
    differences = changed.differences(Preset())
    assert differences["training.epochs"] == (3, 10)
    assert differences["optimizer.momentum"] == (0.9, None)
    assert differences["optimizer.eps"] == (None, 1e-8)
    assert "optimizer.learning_rate" not in differences


def test_saving_to_an_unwritable_folder_fails_and_leaves_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        Preset().save(blocked / "preset.toml")
    assert list(tmp_path.iterdir()) == [blocked]


def test_saving_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text("x" * 100_000)
    Preset().save(path)
    assert Preset.load(path) == Preset()
    assert list(tmp_path.iterdir()) == [path]


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    preset = Preset().override(["data.name=csv", "data.file=a.csv", "data.target=y"])
    assert preset.with_absolute_paths().data.file == str(tmp_path / "a.csv")  # type: ignore[union-attr]


def test_a_preset_is_found_by_name_with_suffix_by_path_and_first_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    shipped = library.shipped_folder() / "fast.toml"
    assert library.find("fast") == library.find("fast.toml") == shipped
    (tmp_path / "presets").mkdir()
    own = tmp_path / "presets" / "fast.toml"
    Preset().save(own)
    assert library.find("fast") == own
    assert library.find(str(shipped)) == shipped


@pytest.mark.parametrize(("name", "words"), [("fats", "did you mean fast"), ("no/such.toml", "there is no file")])
def test_a_missing_preset_is_reported(name: str, words: str) -> None:
    with pytest.raises(PresetError, match=words):
        library.load(name)


def test_every_choice_explains_itself_in_one_line_and_every_setting_has_help() -> None:
    for family in FAMILIES.values():
        for choice in family.choices:
            assert 10 < len(choice.summary()) < 130, choice
            for name, field in choice.model_fields.items():
                assert name == choice.tag or field.description, f"{choice.__name__}.{name}"


def test_losses_are_listed_under_their_english_plural() -> None:
    assert LOSSES.plural == "losses"
