"""The preset `char-transformer`: it writes, and predicts text that it has not seen better than xz compresses it."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Workbench
from workbench.data.topics import topics_text

PRESET = ("--preset", "char-transformer", "--set", "runtime.device=cpu")
TINY = ("model.width=16", "model.layers=1", "model.feed_forward=32", "data.context=32", "data.batch_size=256")


def xz_bits_per_byte(text: str) -> float:
    """Of `xz -9`."""
    content = text.encode()
    return 8 * len(lzma.compress(content, preset=9)) / len(content)


@pytest.mark.slow
def test_it_writes_after_each_epoch(workbench: Workbench) -> None:
    """A tiny one, for two epochs."""
    tiny = [
        part for assignment in (*TINY, "training.epochs=2", "data.sample_tokens=40") for part in ("--set", assignment)
    ]
    done = workbench.run(*PRESET, *tiny, timeout=240)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any(line.startswith("learns the next of ") and line.endswith(" tokens") for line in lines)
    [_, last] = [number for number, line in enumerate(lines) if line.startswith("epoch ")]
    assert "bits/byte" in lines[last]
    assert "token acc" in lines[last]
    assert lines[last + 1].startswith("  │ ")
    assert any(line.startswith("test (best epoch") and "bits/byte" in line and "PPL" in line for line in lines)


@pytest.mark.slow
def test_it_predicts_better_than_xz_compresses(workbench: Workbench) -> None:
    """The last tenth of the text, which it has not seen: in fewer bits a byte than `xz -9` of that tenth takes."""
    done = workbench.run(*PRESET, "--quiet", timeout=1800)
    assert done.returncode == 0, done.stderr
    summary = json.loads((Path(done.stdout.strip()) / "summary.json").read_text())
    text = topics_text()
    assert summary["test"]["bits_per_byte"] < xz_bits_per_byte(text[round(0.9 * len(text)) :])
