"""What the kinds that write a trained model share: a process writes the file and checks it, then it takes its place."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from workbench.atomic_files import staged
from workbench.errors import UserCodeError
from workbench.headless.export import Exported
from workbench.headless.measuring import measure, run
from workbench.headless.options import Options
from workbench.headless.train import check_trust
from workbench.processes.export import ExportedModel, Request, export_model
from workbench.processes.modules import Module
from workbench.runs.directory import RunDirectory
from workbench.settings.preset import Preset
from workbench.units import counted


def export_file(kind: str, source: RunDirectory, path: Path, options: Options) -> Exported:
    """Writes the model of a run to `path`, whole and checked, or not at all. Raises WorkbenchError."""
    _check_code(source, options)
    with staged(path) as temporary:
        request = Request(str(source.path), kind, str(temporary), str(path))
        made = run(measure(Module.EXPORT, partial(export_model, request=request), ExportedModel, None, options))
        size = temporary.stat().st_size
    return Exported(str(path), size, measured_facts(made), lines_about(made))


def measured_facts(made: ExportedModel) -> dict[str, object]:
    """What was compared, for `--json`."""
    return {
        "checkpoint": made.checkpoint,
        "epoch": made.epoch,
        "difference": made.difference,
        "same_classes": made.same_classes,
        "samples": made.samples,
        "batches": made.batches,
        "sample_origin": made.origin,
        "sample_reason": made.reason,
    }


def lines_about(made: ExportedModel) -> tuple[str, ...]:
    """The same for people."""
    after = "" if made.epoch is None else f" (epoch {made.epoch})"
    *others, last = made.batches
    sizes = f"{', '.join(map(str, others))} and {last}"
    because = f" ({made.reason})" if made.reason else ""
    largest = f"largest difference {made.difference:.2g}"
    if made.same_classes is not None:
        same = "all" if made.same_classes == 1 else f"{100 * made.same_classes:.2f} % of"
        largest += f" of a probability, {same} predicted classes the same"
    return (
        f"agrees with {made.checkpoint}{after} on {counted(made.samples, f'{made.origin} sample')}{because}, "
        f"in batches of {sizes}: {largest}",
        *made.notes,
    )


def _check_code(source: RunDirectory, options: Options) -> None:
    """Asks for trust in the user's code that the run's preset names. Raises UntrustedCodeError.

    Where it is gone the process says whether that matters: the model needs its function, samples can be made up.
    """
    try:
        check_trust(Preset.of_run(source.preset), options.trust_code)
    except UserCodeError:
        return
