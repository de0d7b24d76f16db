"""Presets of any size and depth get a short, readable message."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench.errors import PresetError, StorageError, UsageError
from workbench.headless.train import save_preset
from workbench.settings import library
from workbench.settings.assignments import MOST_BYTES
from workbench.settings.data_choice import default_data_folder
from workbench.settings.preset import Preset
from workbench.ui.form.preset_list import list_presets, where
from workbench.ui.live.remembered import Remembered


def refusal(text: str) -> str:
    with pytest.raises(PresetError) as refused:
        Preset.from_toml(text, "odd.toml")
    message = str(refused.value)
    assert len(message) < 10_000
    return message


@pytest.mark.parametrize("table", ["", "[optimizer]\n"])
def test_thousands_of_unknown_keys_are_counted_and_twenty_are_reported(table: str) -> None:
    """20,000 of them neither take minutes nor fill a long message."""
    message = refusal(table + "".join(f"key{index} = 1\n" for index in range(20_000)))
    assert "20,000 problems" in message
    assert message.endswith("and 19,980 more")
    assert message.count("\n") == 21


def test_twenty_problems_are_all_reported() -> None:
    message = refusal("".join(f"key{index} = 1\n" for index in range(20)))
    assert "20 problems" in message
    assert "key19" in message
    assert "more" not in message


def test_thousands_of_wrong_entries_are_counted() -> None:
    assert "and 49,980 more" in refusal("[model]\nhidden = [" + "0, " * 50_000 + "]")
    assert "data.arguments" in refusal(
        "[data]\nname = 'module'\nfunction = 'a:b'\n[data.arguments]\n" + "".join(f"k{i} = []\n" for i in range(5_000))
    )


DEEP = {
    "table": "[" + ".".join(["a"] * 500) + "]",
    "table and thousands of keys": "["
    + ".".join(["a"] * 5_000)
    + "]\n"
    + "".join(f"x{i} = 1\n" for i in range(20_000)),
    "array of tables": "[[" + ".".join(["a"] * 500) + "]]",
    "key": ".".join(["a"] * 500) + " = 1",
    "quoted key": " . ".join(['"a"', "'b'"] * 200) + " = 1",
    "inline tables": "x = " + "{a=" * 2_000 + "1" + "}" * 2_000,
    "lists": "[model]\nhidden = " + "[" * 2_000 + "]" * 2_000,
    "inline key": "x = {" + ".".join(["a"] * 2_000) + " = 1}",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_deep_nesting_is_refused(text: str) -> None:
    """500 dotted levels do not end in a RecursionError."""
    assert "nested too deeply" in refusal(text)


@pytest.mark.parametrize("levels", [10, 50, 90, 150, 300])
def test_any_depth_of_a_list_or_a_table_is_answered(levels: int) -> None:
    refusal("[model]\nhidden = " + "[" * levels + "]" * levels)
    refusal("x = " + "{a=" * levels + "1" + "}" * levels)


def test_dots_in_a_text_or_a_list_are_not_depth() -> None:
    dotted = ".".join("abcdefgh" * 10)
    preset = Preset.from_toml(f'description = """\n{dotted}\n"""\n[model]\nhidden = [\n1,\n2\n]\n', "dots.toml")
    assert dotted in preset.description


def test_a_file_too_large_for_a_preset_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    path.write_text("#" * (MOST_BYTES + 1))
    with pytest.raises(PresetError, match="is larger than 1 MiB"):
        Preset.load(path)
    path.write_bytes(b"\xef\xbb\xbf" + b'name = "small"\r\n' + b"#" * (MOST_BYTES - 100))
    assert Preset.load(path).name == "small"


@pytest.mark.parametrize(
    "assignment",
    [
        "a." * 500 + "a=1",
        "optimizer." + "a" * 100_000 + "=1",
        "optimizer.learning_rate=" + "[" * 5_000,
        "optimizer.learning_rate=" + "{a=" * 5_000 + "1" + "}" * 5_000,
        "optimizer.learning_rate={" + ".".join(["a"] * 500) + " = 1}",
        "name=" + "x" * (MOST_BYTES + 1),
        "name=" + "x" * 50_000,
        "x" * 100_000,
    ],
    ids=range(8),
)
def test_odd_assignments_are_refused_with_a_short_message(assignment: str) -> None:
    with pytest.raises(PresetError) as refused:
        Preset().override([assignment])
    assert len(str(refused.value)) < 1_000


def test_an_assignment_sets_one_value() -> None:
    """What follows the value is not silently dropped."""
    with pytest.raises(PresetError, match="needs a number"):
        Preset().override(["optimizer.learning_rate=0.5\nweight_decay=3"])


def test_thousands_of_assignments_are_answered() -> None:
    with pytest.raises(PresetError, match="and 4,980 more"):
        Preset().override([f"key{index}.x=1" for index in range(5_000)])


@pytest.mark.parametrize("name", ["..", ".", "-rf", "--help", "+x", ".hidden", "", "a/b", "a\n", "a\0", "x" * 65])
def test_a_name_like_a_folder_or_an_option_is_refused(name: str) -> None:
    with pytest.raises(
        PresetError, match=r"must be .*letters, digits, _ . \+ -|must begin with a letter, a digit or _"
    ):
        Preset.from_mapping({"name": name}, "named")


@pytest.mark.parametrize("name", ["a", "_a", "0", "resnet9-v1.2+x", "x" * 64])
def test_valid_names(name: str) -> None:
    assert Preset.from_mapping({"name": name}, "named").name == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "/", "a" * 300, "a/" + "b" * 300, "x\0y", "x\0/y", "~nobody/x", "/dev/zero"]
)
def test_other_files_than_presets_are_not_found(name: str) -> None:
    with pytest.raises(UsageError):
        library.load(name)


def test_folders_and_pipes_among_the_presets_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for made in ("folder.toml", "real.toml"):
        (tmp_path / "presets" / made).mkdir(parents=True)
    (tmp_path / "presets/link.toml").symlink_to("missing.toml")
    os.mkfifo(tmp_path / "presets/pipe.toml")
    assert not {"folder", "real", "link", "pipe"} & set(library.names())
    assert not {"folder", "real", "link", "pipe"} & {entry.name for entry in list_presets()}
    with pytest.raises(PresetError, match="is not a plain file"):
        Preset.load(tmp_path / "presets/pipe.toml")


def test_without_a_home_folder_presets_are_found_and_saving_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def homeless(_: str) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr("platformdirs.user_config_path", homeless)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets/mine.toml").write_text('name = "mine"\n')
    assert library.load("mine").name == "mine"
    assert library.load("iris").name == "iris"
    assert "mine" in library.names()
    with pytest.raises(UsageError, match="no preset 'nope'"):
        library.load("nope")
    for path in (tmp_path / "presets/mine.toml", tmp_path / "other.toml", library.find("iris")):
        assert where(path) != "yours"
    with pytest.raises(StorageError, match="XDG_CONFIG_HOME=FOLDER"):
        save_preset(Preset(), "kept")
    monkeypatch.setattr("platformdirs.user_cache_path", homeless)
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    with pytest.raises(StorageError, match="XDG_CACHE_HOME=FOLDER"):
        default_data_folder()
    monkeypatch.setattr("platformdirs.user_state_path", homeless)
    assert Remembered.load() == Remembered()
    Remembered().save()
    assert list(tmp_path.iterdir()) == [tmp_path / "presets"]
