"""What a run can be exported to: the one table that the command, the app and the documentation show."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportKind:
    """A form that a run can be exported to."""

    name: str
    """As after `--to`."""
    meaning: str
    """In a few words, for the user."""
    suffix: str
    """Of the file that is written; empty for a folder."""
    needs_model: bool = False
    """Whether it needs the weights of the best epoch."""
    needs_preset: bool = False
    """Whether it needs the preset that was trained, which a run of a loop of the user's own has not."""
    takes_several: bool = False
    """Whether it takes several runs."""
    takes_study: bool = False
    """Whether it takes a study, and several that are compared, as well as runs."""

    def file_name(self, run: str, runs: int = 1) -> str:
        """What is written is called after its run, or the first of several: the name of the file, or of the folder."""
        stem = run if runs == 1 else f"{run}-and-{runs - 1}-more"
        return f"{stem}{self.suffix}" if self.suffix else f"{stem}-{self.name}"


KINDS = {
    kind.name: kind
    for kind in (
        ExportKind("safetensors", "weights and all that predicting needs", ".safetensors", needs_model=True),
        ExportKind("torch_export", "a PyTorch program that needs no code, .pt2", ".pt2", needs_model=True),
        ExportKind("onnx", "ONNX, the encoding of raw samples included", ".onnx", needs_model=True),
        ExportKind("script", "one plain PyTorch file that trains the same", ".py", needs_preset=True),
        ExportKind(
            "report", "one HTML page: settings, curves, metrics, timings", ".html", takes_several=True, takes_study=True
        ),
        ExportKind("svg", "a folder with each chart as SVG", "", takes_several=True),
        ExportKind("csv", "a folder with the curves as CSV: steps, epochs, timing, memory", ""),
        ExportKind("tensorboard", "a log folder that TensorBoard shows", "", takes_several=True, takes_study=True),
    )
}
NAMES = tuple(KINDS)


def table() -> str:
    """All kinds and their meaning, for `--help`."""
    return "; ".join(f"{kind.name}: {kind.meaning}" for kind in KINDS.values())
