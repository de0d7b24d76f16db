"""A capture that finds no memory: is it said, does training continue, and is what the capture held free again?"""

from __future__ import annotations

import gc
import traceback

import torch

from tests.gpu.on_card.probes.probe import Report, Steps, make_trainer, needs_card, wait, warnings

ROOM_BYTES = 96 * 2**20
"""Free on the card, beside what PyTorch holds: some of a captured step fits, not all of it and the same again, whose
gradients alone are 192 MiB. And what cuBLAS keeps for each stream that was ever used fits: 32 MiB on an H200."""


def refused_capture(device: torch.device, report: Report) -> None:
    """Lets no more memory be taken once the first steps have run, and trains on."""
    needs_card(device)
    steps = Steps(make_trainer(device, "cuda_graph", "data.batch_size=250", "model.hidden=[4096,4096,4096,4096]"))
    steps.run(2)
    wait(device)
    before = torch.cuda.memory_allocated(device)
    # Really taken: the engine asks the driver what is free, which knows nothing of a limit for this process.
    taken = torch.empty(torch.cuda.mem_get_info(device)[0] - ROOM_BYTES, dtype=torch.uint8, device=device)
    gc.disable()
    try:
        steps.run(6)
        wait(device)
        failed = ""
    except torch.OutOfMemoryError as error:
        place = traceback.extract_tb(error.__traceback__)
        own = [f"{frame.name}:{frame.lineno}" for frame in place if "workbench" in frame.filename]
        failed = f"{' '.join(own[-3:])}: {str(error)[:60]}"
    kept = bytes_in_graph_pools()
    gc.enable()
    gc.collect()
    torch.cuda.empty_cache()
    after = bytes_in_graph_pools()
    said = warnings(steps.trainer)
    more = torch.cuda.memory_allocated(device) - taken.nbytes - before
    report(f"{more >> 20} MiB more are allocated than before")
    report(f"{'FAULT: training failed: ' + failed if failed else 'trained on'}; {said or 'nothing was refused'}")
    fault = "FAULT: " if kept > after + 2**20 else ""
    report(f"{fault}in pools of graphs {kept >> 20} MiB, after a garbage collection {after >> 20} MiB")


def bytes_in_graph_pools() -> int:
    """Bytes of the segments that belong to CUDA graphs."""
    segments = torch.cuda.memory._snapshot()["segments"]
    return sum(segment["total_size"] for segment in segments if tuple(segment.get("segment_pool_id", (0, 0))) != (0, 0))
