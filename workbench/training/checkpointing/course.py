"""What the course of a run depends on, kept in its checkpoints, so that a resumed run never trains on a change.

A learning rate edited in the middle would be neither the old one nor the new, rows added to a file would move samples
from the test split into training: such a run is refused. Where it runs, and how long, may change.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from workbench.data.encoding import Encoding
from workbench.data.encodings import restored_encoding, saved_encoding
from workbench.data.inputs import tensors_of
from workbench.data.samples import InMemory, Lazy, NamedInMemory, Samples, Split, Texts
from workbench.errors import DataError, PresetError
from workbench.runs.checkpoints import anew
from workbench.runs.directory import RunDirectory
from workbench.settings.base import PathMarker, Settings
from workbench.settings.preset import Preset
from workbench.settings.renamed import with_present_paths

Digests = dict[str, dict[str, Any]]
"""By split: how many samples, and a digest of inputs and targets; empty where the samples would have to be read. Of a
text that is to be continued, also the text's: how it is cut changes the inputs."""

FREE = ("name", "description", "training.checkpoint_seconds", "changes")
"""Settings that do not change what is trained, and the learning rates that were set during the run. Paths are free too
(the data itself is compared), and so is `runtime` except its precision."""
NOTED = (
    "training.epochs",
    "training.early_stopping_patience",
    "training.early_stopping_min_delta",
    "training.keep_best",
)
"""Settings that let a run train longer or end earlier: a change is accepted, with a note."""

CLOSE = 1e-4
"""Numbers that were fitted count as the same if they differ by at most this, or this fraction."""

BLOCK_BYTES, MOST_BLOCKS = 2**18, 1024
"""The most blocks of a tensor that are digested, evenly spread: 256 MiB take less than half a second."""


def settings_of(preset: Preset) -> str:
    """All settings, for a checkpoint."""
    return json.dumps(preset.flat())


def digests_of(samples: Samples) -> Digests:
    """Digests of the samples as the source gave them; how they are split follows from the settings."""
    splits = {"training": samples.train, "validation": samples.validation, "test": samples.test}
    digests = {name: _of_split(split) for name, split in splits.items() if split is not None}
    digests["training"]["classes"] = list(samples.task.classes)
    if samples.text_digest:
        digests["training"]["text"] = samples.text_digest
    return digests


def digests_when_asked(samples: Samples) -> Callable[[], Digests]:
    """`digests_of` samples as the source gave them, made once, at the first checkpoint: training starts at once.

    Of texts, and of inputs in float64 and int64, they are made now: they are not kept, and what becomes of numbers as
    they are standardised depends, in the last bit, on the number of threads.
    """
    train = samples.train
    if isinstance(train, Texts) or (
        isinstance(train, InMemory | NamedInMemory)
        and any(tensor.dtype in (torch.float64, torch.int64) for tensor in tensors_of(train.inputs))
    ):
        now = digests_of(samples)
        return lambda: now
    return cache(lambda: digests_of(samples))


def check_settings(saved: object, preset: Preset, run: RunDirectory) -> list[str]:
    """Compares the settings with those in the run's checkpoint; returns a note for each allowed change.

    Raises PresetError where the run would train differently. A setting that only one of them has is ignored: the
    checkpoint may be of another version.
    """
    try:
        before = with_present_paths(dict(json.loads(saved))) if isinstance(saved, str) else {}
    except (ValueError, TypeError):
        return []
    now = json.loads(settings_of(preset))
    changed = [path for path in now if path in before and before[path] != now[path] and not _is_free(path, preset)]
    refused = [path for path in changed if path not in NOTED]
    if refused:
        listed = "; ".join(
            f"{path} was {_as_text(before[path])} and is {_as_text(now[path])} now" for path in refused[:5]
        )
        raise PresetError(
            f"the preset of this run is not the one that {run.last_checkpoint} was trained with: {listed}. Put it back "
            f"in {run.preset}, or start a new run with the new one: {anew(run)}"
        )
    return [f"{path} was {_as_text(before[path])} before and is {_as_text(now[path])} from here on" for path in changed]


def check_data(saved: object, now: Digests, run: RunDirectory) -> None:
    """Compares the data with that of the run's checkpoint. Raises DataError where they differ."""
    if change := data_change(saved, now):
        raise DataError(
            f"the data of this run is not what {run.last_checkpoint} was trained on: {change}. Put the data back "
            "(a function of your own must return the same samples at every call: seed what it draws), or start "
            f"a new run with the new data: {anew(run)}"
        )


def data_change(saved: object, now: Digests) -> str:
    """How the data differ from those of a run's checkpoint; empty where they are the same, or nothing is known."""
    if not isinstance(saved, dict):
        return ""
    changes = (_change(name, saved[name], now[name]) for name in now if isinstance(saved.get(name), dict))
    return next(filter(None, changes), "")


def check_encoding(saved: object, now: Encoding, run: RunDirectory) -> None:
    """Compares the encoding with that of the run's checkpoint: the same data would reach the model as other input.

    saved: as `saved_encoding` gives it; anything else, as in a checkpoint of an earlier version, passes. Raises
    DataError where they differ.
    """
    if not isinstance(saved, dict) or not isinstance(saved.get("arguments"), dict):
        return
    with contextlib.suppress(LookupError, TypeError, ValueError):  # a user's own cannot be restored here
        saved = saved_encoding(restored_encoding(saved))  # written as this version writes it
    found = saved_encoding(now)
    before, after = saved["arguments"], found["arguments"]
    if saved["name"] != found["name"]:
        change = f"it was {saved['name']} and is {found['name']} now"
    elif changed := [name for name in after if name in before and not _alike(before[name], after[name])]:
        change = (
            f"{', '.join(changed)} of the encoding {found['name']!r} {'are' if len(changed) > 1 else 'is'} other now"
        )
    else:
        return
    raise DataError(
        f"the samples of this run would be encoded in another way than those {run.last_checkpoint} was trained on: "
        f"{change}. Put back what the encoding is read from (such as the file of data.tokenizer), or start a new run "
        f"with the new one: {anew(run)}"
    )


def _alike(before: object, now: object) -> bool:
    """Whether two arguments of an encoding are the same, as far as they can be compared.

    Tensors are statistics of the data, which are compared themselves: their last bits depend on the number of threads,
    and so may those of numbers.
    """
    if isinstance(before, Tensor) and isinstance(now, Tensor):
        return before.shape == now.shape
    if isinstance(before, float) and isinstance(now, float):
        return math.isclose(before, now, rel_tol=CLOSE, abs_tol=CLOSE) or (math.isnan(before) and math.isnan(now))
    if isinstance(before, list | tuple) and isinstance(now, list | tuple):
        return len(before) == len(now) and all(map(_alike, before, now))
    if isinstance(before, dict) and isinstance(now, dict):
        return before.keys() == now.keys() and all(_alike(before[key], now[key]) for key in now)
    return before == now


def _change(name: str, before: dict[str, Any], now: dict[str, Any]) -> str:
    if before.get("samples") != now["samples"]:
        return f"the {name} data had {before.get('samples')} samples and has {now['samples']} now"
    for what in ("classes", "targets", "inputs"):
        if what in now and before.get(what) and now[what] and before[what] != now[what]:
            return f"the {what} of the {name} data have changed"
    return ""


def _is_free(path: str, preset: Preset) -> bool:
    table, _, key = path.partition(".")
    if table == "runtime":
        return key != "precision"
    if path in FREE:
        return True
    choice = getattr(preset, table, None)
    field = type(choice).model_fields.get(key) if isinstance(choice, Settings) else None
    return field is not None and any(isinstance(item, PathMarker) for item in field.metadata)


def _as_text(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _of_split(split: Split) -> dict[str, Any]:
    targets = "" if split.targets is None else _digest(split.targets)
    if isinstance(split, Texts):
        return {"samples": len(split), "targets": targets, "inputs": _digest_of_texts(split.texts)}
    if not isinstance(split, Lazy):
        digests = [_digest(tensor) for tensor in tensors_of(split.inputs)]
        return {"samples": len(split), "targets": targets, "inputs": "".join(digests)}
    # Samples that are read one by one are not read for this; a data set may know the names of its files.
    names = getattr(split.dataset, "names", None)
    named = ""
    if isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names):  # else something of a user's
        named = hashlib.blake2b("\0".join(names).encode(errors="surrogateescape")).hexdigest()
    chosen = "" if split.indices is None else _digest(split.indices)
    return {"samples": len(split), "targets": targets, "inputs": named + chosen}


def _digest_of_texts(texts: Sequence[str]) -> str:
    whole = hashlib.blake2b()
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        whole.update(len(content).to_bytes(8, "little"))
        whole.update(content)
    return whole.hexdigest()


def _digest(tensor: Tensor) -> str:
    """Digests type, shape and values, of a large tensor some blocks; empty for one that is not in memory."""
    whole = hashlib.blake2b(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
    try:
        values = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    except (RuntimeError, TypeError):
        return ""
    blocks = -(-len(values) // BLOCK_BYTES)
    step = max(blocks // MOST_BLOCKS, 1)
    for block in range(0, blocks, step):
        whole.update(values[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES].data)
    whole.update(values[-BLOCK_BYTES:].data)
    return whole.hexdigest()
