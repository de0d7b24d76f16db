"""Seconds an epoch of texts and of sounds: the script that one would write first, and workbench.

    python -m tests.benchmarks.text_and_audio [--only text|audio] [--rounds 3] [--epochs 3]

text: which package a docstring is from, a small CNN of words (preset text-docstrings). audio: spoken digits
(preset spoken-digits; needs espeak-ng). The contenders take turns, as in `tests.benchmarks.peers`, which says more.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from tests.benchmarks.machine import describe
from tests.benchmarks.peers.__main__ import PLAIN, Contender, render, take_turns
from tests.benchmarks.programs import Trained, run_script, run_workbench
from workbench.data.samples import Split, Texts
from workbench.data.spoken_digits import FOLDER
from workbench.settings.data_choice import default_data_folder
from workbench.settings.preset import Preset

PRESETS = Path("presets")
TEST_SPEAKERS = ("m1", "f1")
"""Of the spoken digits."""


def main() -> None:
    """Runs the contenders in turn and prints a table for each kind of data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each contender runs")
    parser.add_argument("--epochs", type=int, default=3, help="epochs of each run, beside the first")
    parser.add_argument("--only", choices=("text", "audio"))
    options = parser.parse_args()
    print(describe("torch"))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for kind, contenders in {"text": texts, "audio": sounds}.items():
            if options.only in (None, kind):
                print(f"\n{kind}\n{render(take_turns(contenders(scratch, options.epochs + 1), options.rounds))}")


def texts(scratch: Path, epochs: int) -> dict[str, Contender]:
    """The script gets the texts of the splits that workbench makes."""
    preset = Preset.load(PRESETS / "text-docstrings.toml").override(["validation.method=none"])
    samples = preset.data.build(lambda _: None)
    splits = preset.validation.build(samples)
    folder = scratch / "texts"
    folder.mkdir()
    for split, file in ((splits.train, "train.jsonl"), (splits.test, "test.jsonl")):
        (folder / file).write_text("".join(f"{line}\n" for line in _lines(split, samples.task.classes)))
    return _contenders("text_script", folder, "text-docstrings", [], scratch, epochs)


def _lines(split: Split | None, classes: tuple[str, ...]) -> list[str]:
    assert isinstance(split, Texts)
    rows = zip(split.texts, split.targets.tolist(), strict=True)
    return [json.dumps({"text": text, "target": classes[number]}) for text, number in rows]


def sounds(scratch: Path, epochs: int) -> dict[str, Contender]:
    """Both get the same files, in folders for training and testing."""
    Preset.load(PRESETS / "spoken-digits.toml").data.build(lambda _: None)
    folder = scratch / "sounds"
    for file in (default_data_folder() / FOLDER).glob("*/*.flac"):
        part = "test" if file.stem.endswith(TEST_SPEAKERS) else "train"
        (folder / part / file.parent.name).mkdir(parents=True, exist_ok=True)
        (folder / part / file.parent.name / file.name).symlink_to(file)
    own = ["data.name=audio_folder", f'data.folder="{folder}"']
    return _contenders("sound_script", folder, "spoken-digits", own, scratch, epochs)


def _contenders(
    script: str, folder: Path, preset: str, own: list[str], scratch: Path, epochs: int
) -> dict[str, Contender]:
    settings = [*own, "validation.method=none", f"training.epochs={epochs}"]

    def train(engine: str, seed: int) -> Trained:
        return run_workbench(scratch / "runs", preset, [*settings, f"runtime.engine={engine}", f"training.seed={seed}"])

    return {
        PLAIN: lambda seed: run_script(script, folder, epochs, seed),
        "workbench (auto)": lambda seed: train("auto", seed),
        "workbench (eager)": lambda seed: train("eager", seed),
    }


if __name__ == "__main__":
    main()
