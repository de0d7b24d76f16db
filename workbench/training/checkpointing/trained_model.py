"""A model that has been trained, from its checkpoint alone: raw samples in, probabilities or values out.

Beside the weights, `best.pt` and `last.pt` hold what predicting needs, as plain data: the encoding of raw samples, the
shape of the input, class names, target scale and preset. Nothing in them is code. The weights of a model of the user's
own need its function, which runs only if the user trusts it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from workbench import __version__
from workbench.data.encoding import Encoding, Standardize
from workbench.data.encodings import restored_encoding, saved_encoding
from workbench.data.inputs import RAW_TEXT, Inputs, describe, dtype_named, example_inputs
from workbench.data.readers.kinds import reader_of, restored_reader, saved_reader
from workbench.data.readers.reader import Reader
from workbench.data.target_scale import TargetScale
from workbench.data.text_encoding import TextEncoding
from workbench.errors import DataError, PresetError, UntrustedCodeError, UserCodeError
from workbench.runs.checkpoints import anew
from workbench.settings.model import ModuleModel
from workbench.settings.preset import Preset
from workbench.training.build_model import build_model
from workbench.training.checkpointing import files as checkpoints
from workbench.training.job import Job

CPU = torch.device("cpu")


def description_of(job: Job) -> dict[str, Any]:
    """What a checkpoint says of a model beside its weights: tensors and plain values."""
    scale = job.target_scale
    return {
        "workbench": __version__,
        "preset": job.preset.to_toml(),
        "task": job.task.kind,
        "outputs": job.task.outputs,
        "classes": list(job.task.classes),
        "targets": list(job.task.targets),
        "raw": job.raw,
        "encoding": saved_encoding(job.encoding),
        "input": describe(job.example),
        "vocabulary": job.vocabulary,
        "reader": saved_reader(reader_of(job.samples.reader, job.raw)),
        "target_scale": None if scale is None else {"mean": scale.mean.cpu(), "std": scale.std.cpu()},
    }


class TrainedModel(nn.Module):
    """Predicts from raw samples, as the data source gives them; in evaluation mode and without gradients.

    It computes in float32, whatever precision the model was trained in.
    """

    classes: tuple[str, ...]
    """Names of the classes, in the order of the probabilities; empty for a regression."""
    targets: tuple[str, ...]
    """Names of what is predicted, where the data has them."""
    task: str
    """The kind of task: classification, regression or language_modeling."""
    description: dict[str, Any]
    """What the checkpoint says of the model beside its weights, see `description_of`."""
    raw: dict[str, Any]
    """Shape and type of one raw sample: {"shape": [1, 8, 8], "type": "uint8"}, such by name, or {"type": "text"}."""
    reader: Reader[Any] | None
    """Reads new inputs as such samples; None in a checkpoint of an earlier version."""
    preset: Preset
    """What the model was trained by."""
    epoch: int | None
    """After which epoch the weights were kept; None where the checkpoint is not that of a best epoch."""
    epochs_done: int | None
    """Of a checkpoint of the state of training: how many epochs were complete; else None."""

    def __init__(self, model: nn.Module, encoding: Encoding, target_scale: TargetScale | None, preset: Preset) -> None:
        """model: gives raw scores; target_scale: of a regression, None for classes."""
        super().__init__()
        self.model = model
        self.encoding = encoding
        self.target_scale = target_scale
        self.preset = preset
        self.classes = self.targets = ()
        self.raw = {}
        self.reader = None
        self.task = ""
        self.description = {}
        self.epoch = self.epochs_done = None

    @classmethod
    def load(cls, path: Path, device: torch.device = CPU) -> Self:
        """The model in a checkpoint (`best.pt` or `last.pt`), on a device; it needs neither the data nor the run.

        Raises DamagedCheckpointError; DataError where the checkpoint was written before it could predict alone;
        UntrustedCodeError or UserCodeError where the code of the user's own model is not trusted or not there.
        """
        return cls.of_state(checkpoints.load(path, CPU), path, device)

    @classmethod
    def of_state(cls, state: Mapping[str, Any], path: Path, device: torch.device = CPU) -> Self:
        """The model in the state of a checkpoint that was read from `path`. Raises as `load` does."""
        described = state.get("description")
        if not isinstance(described, dict):
            run = checkpoints.run_of(path)
            raise DataError(
                f"{path} cannot predict: it was written by an earlier version and holds weights alone; the encoding of "
                "samples, the class names, the target scale and the preset are missing. Train the model again"
                + (" with the preset of its run" if run is None else f": {anew(run)}")
            )
        trained = cls.restored(described, state["model"], state.get("epoch"), path, device)
        position = state.get("position")
        trained.epochs_done = position.get("epoch") if isinstance(position, dict) else None
        return trained

    @classmethod
    def restored(
        cls,
        described: Mapping[str, Any],
        weights: Mapping[str, Tensor],
        epoch: int | None,
        path: Path,
        device: torch.device,
    ) -> Self:
        """The model of a description (see `description_of`) and weights that were read from `path`.

        Raises as `load` does.
        """
        try:
            preset = Preset.from_toml(described["preset"], str(path))
            with torch.random.fork_rng(devices=[]):
                model = build_model(
                    preset,
                    example_inputs(described["input"]),
                    int(described["outputs"]),
                    CPU,
                    vocabulary=described.get("vocabulary"),
                    causal=described["task"] == "language_modeling",
                )
            model.load_state_dict(weights)
            scale = described["target_scale"]
            trained = cls(
                model,
                restored_encoding(described["encoding"]),
                None if scale is None else TargetScale(scale["mean"], scale["std"]),
                preset,
            )
            trained.classes, trained.targets = tuple(described["classes"]), tuple(described["targets"])
            trained.raw = dict(described["raw"])
            trained.reader = restored_reader(described.get("reader"))
            trained.task = described["task"]
            trained.epoch = epoch
            trained.description = dict(described)
        except (UntrustedCodeError, UserCodeError) as error:
            assert isinstance(preset.model, ModuleModel)
            raise type(error)(
                f"{path} holds the weights of a model of your own, {preset.model.function}, whose code is needed to "
                f"predict: {error}"
            ) from error
        except (PresetError, LookupError, TypeError, AttributeError, ValueError, RuntimeError) as error:
            raise checkpoints.damaged(path, error) from error
        return trained.to(device).eval().requires_grad_(False)

    def forward(self, raw: Inputs | Sequence[str]) -> Tensor:
        """Probabilities (n, classes) in float32, or values (n, outputs) in the data's own units in float64.

        raw: samples as the data source gives them: a tensor (n, ...) on the model's device, tensors by name, or a list
        of texts. A language model takes ids (n, length) or texts, which are cut and padded, and gives the probabilities
        of each next token, (n, vocabulary, length). Raises DataError where they are not such as the model was trained
        on.
        """
        if isinstance(raw, Tensor | Mapping) and self.raw != RAW_TEXT:
            inputs = self.encoding(self._checked(raw))
        elif isinstance(self.encoding, TextEncoding):
            inputs = self.encoding(_checked_texts(raw)).to(next(self.model.parameters()).device)
        else:
            raise DataError(f"the model takes {self._expected()}, not {_found(raw)}")
        scores = self.model(inputs).float()
        return self.preset.loss.probabilities(scores) if self.target_scale is None else self.target_scale.undo(scores)

    def _checked(self, raw: Inputs) -> Inputs:
        """The samples in the type in which the model has seen them."""
        if not isinstance(raw, Tensor) or "shape" not in self.raw:
            names = [] if isinstance(raw, Tensor) else sorted(raw)
            if isinstance(raw, Tensor) or names != sorted(self.raw):
                raise DataError(f"the model takes {self._expected()}, not {', '.join(names) or 'one tensor'}")
            return raw
        if list(raw.shape[1:]) != self.raw["shape"]:
            raise DataError(f"samples have shape {tuple(raw.shape)}, but the model takes {self._expected()}")
        seen = dtype_named(self.raw["type"])
        if raw.dtype == seen:
            return raw
        if isinstance(self.encoding, Standardize) and seen != torch.uint8:
            return raw if raw.is_floating_point() else raw.double()  # measures, in whatever type
        if seen == torch.uint8 or raw.is_floating_point() != seen.is_floating_point:
            found = str(raw.dtype).removeprefix("torch.")
            pixels = ", pixels from 0 to 255" * (seen == torch.uint8)
            raise DataError(f"samples are {found}, but the model takes {self._expected()}{pixels}")
        return raw.to(seen)

    def _expected(self) -> str:
        if "shape" not in self.raw:
            return f"tensors by name: {', '.join(sorted(self.raw))}"
        return f"samples of shape (n, {', '.join(map(str, self.raw['shape']))}) in {self.raw['type']}"


def _checked_texts(raw: object) -> Sequence[str]:
    """The texts. Raises DataError for anything else, a single text included, which would be read as its letters."""
    if not isinstance(raw, list | tuple) or not all(isinstance(text, str) for text in raw):
        raise DataError(f"the model takes a list of texts, not {_found(raw)}")
    return raw


def _found(raw: object) -> str:
    if isinstance(raw, str):
        return "a single text"
    others = [type(each).__name__ for each in raw if not isinstance(each, str)] if isinstance(raw, list | tuple) else []
    return f"a {type(raw).__name__}" + (f" that holds {others[0]}" if others else "")
