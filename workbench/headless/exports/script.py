"""`--to script`: one plain PyTorch file that trains as the run did, compared with the run before it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from workbench.atomic_files import write_text_atomically
from workbench.devices.host import cpu_model
from workbench.errors import WorkbenchError
from workbench.export.script.check import TrainingAgreement, compare
from workbench.export.script.facts import Facts, Request, ask_for_facts
from workbench.export.script.machine import Machine
from workbench.export.script.recorded import Recorded
from workbench.export.script.refusals import refuse
from workbench.export.script.write import write_script
from workbench.files import read_small
from workbench.headless.export import Exported
from workbench.headless.measuring import Narration, measure, run
from workbench.headless.options import Options
from workbench.processes.measuring import Progress
from workbench.processes.modules import Module
from workbench.runs.checkpoints import best_checkpoint
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Prepared
from workbench.runs.status import read_summary
from workbench.settings.preset import Preset

CHECK_SECONDS = 20.0
"""Of the run's training time that the script repeats, to be compared."""
LEAST_STEPS = 50
"""Steps that are compared at least."""
TOLERATED, TOLERATED_OF_OTHER_DRAWS = 1e-3, 0.5
"""The largest relative difference of the first losses, where another device or PyTorch computed the run."""


def export(runs: Sequence[RunDirectory], path: Path, options: Options) -> Exported:
    """Writes the script of a run. Raises WorkbenchError where it cannot train the same, and then writes nothing."""
    (trained,) = runs
    preset = Preset.of_run(trained.preset).without_search()
    recorded = Recorded.of(trained)
    refuse(preset, recorded)
    assert recorded.prepared is not None
    # A run on a GPU is repeated on it; its data is read on the CPU.
    on_cpu = preset.override(['runtime.device="cpu"', 'runtime.engine="eager"', 'runtime.precision="float32"'])
    facts = run(measure(Module.SCRIPT, partial(ask_for_facts, request=Request(on_cpu.to_toml())), Facts, None, options))
    environment = _environment(trained)
    on_gpu = recorded.prepared.device.startswith("cuda")
    machine = Machine(
        run=trained.name,
        torch=str(environment.get("torch", "")),
        cpu=str(environment.get("host", {}).get("cpu", "")),
        num_threads=recorded.prepared.num_threads or _threads(environment),
        by_onednn=facts.multiplies_by_onednn and not on_gpu,
        traced=recorded.prepared.engine == "traced" and not on_gpu,
        on_gpu=on_gpu,
        deterministic=preset.runtime.deterministic,
    )
    text = write_script(preset, facts, machine)
    steps, checkpoint = _repeated(trained, preset, recorded)
    narration = Narration(options)
    narration.show(Progress("comparing the script with the run"))
    agreement = run(compare(text, recorded, steps, checkpoint))
    narration.clear()
    why_other = _check(agreement, environment, recorded.prepared)
    write_text_atomically(path, text)
    return Exported(
        str(path),
        path.stat().st_size,
        {"steps": agreement.steps, "is_exact": agreement.is_exact, "largest_difference": agreement.largest},
        (f"{agreement.in_words()}{f' ({why_other})' * bool(why_other)}",),
    )


def _environment(trained: RunDirectory) -> dict[str, Any]:
    """What the run ran on; empty where that is not known."""
    try:
        found = json.loads(read_small(trained.environment))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("host", {}), dict) else {}


def _threads(environment: Mapping[str, Any]) -> int:
    """CPU threads of a run whose events do not say it; 1 where that is not known."""
    threads = environment.get("threads")
    return threads if isinstance(threads, int) and threads > 0 else 1


def _repeated(trained: RunDirectory, preset: Preset, recorded: Recorded) -> tuple[int, Path | None]:
    """How many steps the script repeats, 0 for the whole of a short run, and whose weights it must end with then."""
    summary, steps = read_summary(trained), len(recorded.losses)
    seconds = 0.0 if summary is None else summary.seconds.get("train", 0.0)
    affordable = max(LEAST_STEPS, int(CHECK_SECONDS * steps / seconds)) if seconds > 0 else LEAST_STEPS
    if affordable < steps or summary is None or summary.status != "completed":
        return min(steps, affordable), None
    best = best_checkpoint(trained)
    found = best if preset.training.keep_best and best.exists() else trained.last_checkpoint
    return 0, found if found.exists() else None


def _check(agreement: TrainingAgreement, environment: Mapping[str, Any], prepared: Prepared) -> str:
    """Says why the script need not agree to the bit; empty where it must and does. Raises WorkbenchError."""
    if agreement.is_exact:
        return ""
    reason = _other_bits(agreement, environment, prepared)
    # Another device draws other random numbers for dropout and augmentation.
    draws_otherwise = prepared.device != "cpu" and not agreement.has_gpu
    if reason and agreement.largest_early <= (TOLERATED_OF_OTHER_DRAWS if draws_otherwise else TOLERATED):
        return reason
    first = agreement.first_different or f"weights differ by up to {agreement.weights:.2g}"
    raise WorkbenchError(
        f"the script was not written, because it does not train as the run did: {first}. The data may have changed "
        'since; or train the run again with runtime.engine = "eager", and export that'
    )


def _other_bits(agreement: TrainingAgreement, environment: Mapping[str, Any], prepared: Prepared) -> str:
    """Why this machine may compute other bits than the run did; empty where it does not."""
    here, there = agreement.torch, str(environment.get("torch", ""))
    if prepared.device != "cpu":
        no_gpu = ", and there is none here" * (not agreement.has_gpu)
        return f"the run was computed on a GPU, {prepared.device_name}{no_gpu}"
    if there != here:
        return f"the run was computed by PyTorch {there or 'of another version'}, and this is {here}"
    cpu = str(environment.get("host", {}).get("cpu", ""))
    if cpu != cpu_model():
        return f"the run was computed on {cpu or 'another processor'}, and this is {cpu_model()}"
    if prepared.engine not in ("eager", "traced"):
        return f"the run's steps were {prepared.engine}"
    return ""
