"""The process that plans a preset without training it; `workbench.processes.plan` says how it is asked and answers."""

from __future__ import annotations

import json
import sys
import traceback
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from workbench.errors import EXIT_FAILED, WorkbenchError
from workbench.processes.messages import Failure, encode
from workbench.processes.plan import BACKGROUND, PEAK, SEVERAL, Plan
from workbench.settings.preset import Preset
from workbench.training.kept_data import KeptData
from workbench.training.processes.background import stay_in_background
from workbench.training.processes.imports import import_pytorch
from workbench.training.processes.leave import leave

if TYPE_CHECKING:
    from workbench.training.job import Job


def main() -> int:
    """Plans the preset on standard input; returns the exit code."""
    if sys.argv[1:] == [BACKGROUND]:
        stay_in_background()
    if sys.argv[1:] == [SEVERAL]:
        kept = KeptData()
        answers = [asdict(_answer(text, kept)) for text in json.loads(sys.stdin.read())]
        print(json.dumps({"plans": answers}))
        return 0
    answer = _answer(sys.stdin.read(), KeptData(), times_step=sys.argv[1:] == [BACKGROUND])
    print(encode(answer))
    return answer.exit_code if isinstance(answer, Failure) else 0


def _answer(text: str, kept: KeptData, *, times_step: bool = False) -> Plan | Failure:
    """Plans the preset in a TOML text. times_step: whether to time a step where it runs on a GPU."""
    preset = Preset()
    try:
        preset = Preset.from_toml(text, "the preset")
        return make_plan(preset, kept, times_step=times_step)
    except Exception as error:
        traceback.print_exc()
        return _failure(error, preset)


def _failure(error: Exception, preset: Preset) -> Failure:
    from workbench.training.memory.out_of_memory import explain_out_of_memory

    known = error if isinstance(error, WorkbenchError) else explain_out_of_memory(error, preset, None)
    if known is None:
        return Failure(f"{type(error).__name__}: {error}", EXIT_FAILED, "internal")
    return Failure(str(known), known.exit_code, known.kind)


def make_plan(preset: Preset, kept: KeptData | None = None, *, times_step: bool = False) -> Plan:
    """Builds the job of a preset and runs a step of it without numbers.

    kept: where other presets are planned too; times_step: whether to time a step where it runs on a GPU. Raises what
    `build_job` raises, and PresetError where the engine that is asked for does not fit.
    """
    import_pytorch()
    from workbench.training.job import assemble

    job = assemble((kept or KeptData()).prepare(preset, lambda progress: None), preset)
    plan = plan_of(job)
    return replace(plan, step_ms=_gpu_step_ms(job, plan)) if times_step and job.device.type == "cuda" else plan


def _gpu_step_ms(job: Job, plan: Plan) -> float | None:
    from workbench.training.tuning.step_time import gpu_step_ms_of

    try:
        return gpu_step_ms_of(job, plan.peak_bytes)
    except Exception:  # a run will say what is wrong with a step
        return None
    finally:
        job.close()


def plan_of(job: Job) -> Plan:
    """Plans a job that has been built. Raises PresetError where the engine that is asked for does not fit."""
    from workbench.training.device import device_name
    from workbench.training.engines.choose import check_engine, engine_in_prospect
    from workbench.training.memory.estimate import expected_memory

    check_engine(job)
    memory = expected_memory(job)
    engine, reason = engine_in_prospect(job)
    return Plan(
        device=f"{job.device} ({device_name(job.device)})",
        task=job.task.kind,
        learns=job.learns,
        outputs=job.task.outputs,
        input_shape=job.input_shape,
        parameters=job.parameters,
        flops_per_step=memory.flops_per_step,
        train_samples=len(job.train),
        validation_samples=None if job.validation is None else len(job.validation),
        test_samples=None if job.test is None else len(job.test),
        steps_per_epoch=job.steps_per_epoch,
        steps=job.steps_per_epoch * job.preset.training.epochs,
        data_loading=job.train.name,
        engine=engine,
        engine_reason=reason,
        memory_bytes=memory.kinds | ({} if memory.peak_bytes is None else {PEAK: memory.peak_bytes}),
        peak_during=memory.peak_during,
        model=str(job.model),
        notes=(*job.notes, *((memory.reason,) if memory.reason else ())),
    )


if __name__ == "__main__":
    leave(main())
