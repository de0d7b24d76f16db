"""Puts the parts of a script together."""

from __future__ import annotations

import sys

from workbench.export.script.encoding import encoding_part
from workbench.export.script.evaluation import evaluation_part
from workbench.export.script.facts import Facts
from workbench.export.script.machine import Machine, chooses_library, machine_part
from workbench.export.script.models import model_part
from workbench.export.script.objective import loss_part
from workbench.export.script.optimizers import optimizer_part, schedule_part
from workbench.export.script.part import Part, written_imports, written_settings
from workbench.export.script.sources import source_part
from workbench.export.script.splitting import splitting_part
from workbench.export.script.training import Pieces, main_part, training_part
from workbench.export.script.variation import variation_part
from workbench.export.script.written import docstring
from workbench.settings.preset import Preset

TYPES = "Split = tuple[Tensor, Tensor]\nTrained = tuple[nn.Module, list[float], list[dict[str, dict[str, float]]]]"
"""What functions of a script take and return."""

PACKAGES = {"sklearn": "scikit-learn", "PIL": "pillow", "pytorch_optimizer": "pytorch-optimizer"}
"""Names that packages are installed by, where they are others than those that are imported."""


def write_script(preset: Preset, facts: Facts, machine: Machine) -> str:
    """The whole file. Raises UsageError where a script cannot train the same."""
    source, splitting = source_part(preset, facts), splitting_part(preset, facts)
    encoding, variation = encoding_part(preset, facts), variation_part(preset, on_gpu=machine.on_gpu)
    model, loss = model_part(preset, facts), loss_part(preset, facts, on_gpu=machine.on_gpu)
    optimizer, schedule = optimizer_part(preset, facts, on_gpu=machine.on_gpu), schedule_part(preset)
    scaled = "scale = " in encoding.use
    evaluation = evaluation_part(preset, facts, scaled=scaled, on_gpu=machine.on_gpu)
    pieces = Pieces(
        model=model.use,
        optimizer=optimizer.use,
        batch=variation.use.format("inputs[indices, :width]" if facts.cuts_padding else "inputs[indices]"),
        divide=splitting.use,
        encode=encoding.use,
        class_weights=loss.use,
        scaled=scaled,
        more=evaluation.use,
        on_gpu=machine.on_gpu,
        chooses_library=chooses_library(machine),
        needs_steps="STEPS_PER_EPOCH" in schedule.code,
    )
    training = training_part(preset, facts, pieces)
    computing = machine_part(machine)
    functions = [source, splitting, encoding, variation, model, loss, schedule, evaluation, computing, training]
    # Settings in the order in which people look for them.
    parts = [computing, training, evaluation, optimizer, schedule, loss, source, splitting, encoding, variation, model]
    sections = [
        _header(preset, machine, parts),
        written_imports(parts),
        written_settings(parts) + f"\n\n{TYPES}",
        *(part.code for part in functions if part.code),
        main_part(f"{preset.name}.pt").code,
    ]
    text = "\n\n".join(sections[:2]) + "\n\n" + "\n\n\n".join(sections[2:]) + "\n"
    compile(text, "script", "exec")  # a fault of a template is found here and not by the user
    return text


def _header(preset: Preset, machine: Machine, parts: list[Part]) -> str:
    packages = {line.split()[1].partition(".")[0] for part in parts for line in part.imports}
    needed = sorted(PACKAGES.get(name, name) for name in packages - set(sys.stdlib_module_names))
    what = (preset.description or preset.name).strip().rstrip(".")
    threads = "1 CPU thread" if machine.num_threads == 1 else f"{machine.num_threads} CPU threads"
    same = ", ".join([f"PyTorch {machine.torch}"] * bool(machine.torch) + [machine.cpu] * bool(machine.cpu) + [threads])
    to_the_bit = f"It trains to the same bits as that run where this is the same: {same}."
    on_a_gpu = f"That run was computed on a GPU by PyTorch {machine.torch}, where the last bits may differ."
    paragraphs = [
        f"{what}.",
        f"Written by `workbench export` from the run {machine.run}. It needs {', '.join(needed)}, and nothing else.",
        on_a_gpu if machine.on_gpu else to_the_bit,
    ]
    return docstring(paragraphs)
