"""What a snapshot of a GPU's memory comes to in text; the snapshot is made up, as PyTorch documents it."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.training.memory.snapshot_summary import (
    NO_FRAME,
    NO_FRAME_NOTE,
    WIDTH,
    Held,
    Owner,
    gpu_summary,
    held_at_peak,
    held_now,
    host_summary,
    place_of,
    totals,
)

MIB = 2**20
LIBRARY = {"filename": "/venv/lib/python3.11/site-packages/torch/nn/modules/linear.py", "line": 125, "name": "forward"}
OWN = {"filename": "/home/me/project/models/net.py", "line": 31, "name": "forward"}


def block(address: int, mib: float, state: str = "active_allocated", *frames: dict[str, Any], **more: Any) -> Any:
    asked = more.pop("requested_size", int(mib * MIB))
    return {
        "address": address, "size": int(mib * MIB), "requested_size": asked, "state": state, "frames": list(frames),
    } | more  # fmt: skip


def segment(*blocks: Any, **more: Any) -> Any:
    return {
        "device": 0, "address": blocks[0]["address"], "total_size": sum(item["size"] for item in blocks),
        "segment_pool_id": (0, 0), "blocks": list(blocks),
    } | more  # fmt: skip


def entry(action: str, address: int, mib: float, *frames: dict[str, Any]) -> Any:
    return {"action": action, "addr": address, "size": int(mib * MIB), "frames": list(frames), "stream": 0}


SNAPSHOT = {
    "segments": [
        segment(block(100, 8), block(200, 4, "active_allocated", LIBRARY, OWN), block(300, 6, "inactive")),
        segment(block(400, 2, requested_size=MIB), block(500, 2, "inactive"), block(600, 1, "active_awaiting_free")),
        segment(block(700, 16), segment_pool_id=(1, 0)),
        segment(block(100, 64), device=1),
    ],
    "device_traces": [],
}
OWNERS = {100: Owner("parameters", "0.weight"), 400: Owner("optimizer state", "exp_avg of 0.weight")}


def test_totals_are_of_one_device_with_gaps_rounding_and_graphs() -> None:
    found = totals(SNAPSHOT, 0)
    assert (found.reserved, found.segments, found.graphs) == (39 * MIB, 3, 16 * MIB)
    assert found.held == 31 * MIB
    assert found.rounding == MIB
    assert found.gaps == (6 * MIB, 2 * MIB)
    assert found.reserved == found.held + found.unused
    assert found.fragmentation == pytest.approx(0.25)
    assert totals({"segments": []}, 0).fragmentation == 0


def test_a_block_is_named_by_its_owner_else_by_the_line_that_allocated_it() -> None:
    place = "models/net.py:31 forward"
    assert held_now(SNAPSHOT, OWNERS, 0) == [
        Held(8 * MIB, "parameters", "parameters: 0.weight"),
        Held(4 * MIB, place, place),
        Held(MIB, "optimizer state", "optimizer state: exp_avg of 0.weight"),
        Held(MIB, NO_FRAME, NO_FRAME),
        Held(16 * MIB, NO_FRAME, NO_FRAME),
    ]


def test_the_place_is_the_innermost_line_outside_of_libraries() -> None:
    assert place_of([LIBRARY, OWN]) == "models/net.py:31 forward"
    assert place_of([LIBRARY]) == "modules/linear.py:125 forward"
    assert place_of([]) == NO_FRAME


def test_the_peak_is_found_in_the_midst_of_the_trace() -> None:
    """Parameters stay; an activation and a gradient come and go; at the end an address is used again."""
    trace = [
        entry("alloc", 1000, 10, LIBRARY, OWN),
        entry("alloc", 2000, 5),
        entry("free_requested", 1000, 10),
        entry("free_completed", 1000, 10),
        entry("alloc", 1000, 1),
        entry("free_completed", 50, 3),
        entry("snapshot", 0, 0),
    ]
    snapshot = {"segments": [segment(block(100, 8), block(1000, 1), block(2000, 5))], "device_traces": [trace]}
    owners = {100: Owner("parameters", "w"), 2000: Owner("gradients", "w"), 50: Owner("samples", "stale")}
    held = held_at_peak(snapshot, owners, 0)
    assert sum(item.bytes for item in held) == (8 + 3 + 10 + 5) * MIB
    assert {item.kind: item.bytes // MIB for item in held} == {
        "parameters": 8, "samples": 3, "models/net.py:31 forward": 10, NO_FRAME: 5,
    }  # fmt: skip
    assert held_at_peak(SNAPSHOT, {}, 0) == held_at_peak(snapshot, owners, 1) == []


def test_the_summary_says_all_of_it_in_lines_that_a_small_screen_has_room_for() -> None:
    long = {"filename": f"/x/{'very_' * 20}long.py", "line": 1, "name": "f"}
    snapshot = {
        "segments": [segment(*(block(n, 1, "active_allocated", long | {"line": n}) for n in range(1, 40)))],
        "device_traces": [[entry("alloc", 1, 1, long)]],
    }
    text = gpu_summary(snapshot, {}, 0, "GPU memory after step 7")
    assert text.startswith("GPU memory after step 7\n")
    assert "in 27 more" in text
    assert "At the peak of what was recorded, 39 MiB" in text
    assert max(map(len, text.splitlines())) == WIDTH
    assert len(text.splitlines()) < 60
    assert NO_FRAME_NOTE not in text


def test_the_summary_names_owners_and_what_has_no_frame() -> None:
    text = gpu_summary(SNAPSHOT, OWNERS, 0, "title\nsecond line")
    for part in (
        "second line\n",
        "reserved       39 MiB in 3 segments, 16 MiB of it in pools of CUDA graphs",
        "in tensors     31 MiB in 5 blocks, 1 MiB of it by rounding up",
        "unused         8 MiB in 2 gaps, the largest 6 MiB",
        "fragmentation  25 %",
        "8 MiB  parameters: 0.weight",
        NO_FRAME_NOTE,
    ):
        assert part in text
    assert "At the peak" not in text


def test_an_empty_snapshot_makes_a_summary() -> None:
    assert "reserved       0 B in 0 segments" in gpu_summary({"segments": [], "device_traces": []}, {}, 0, "t")


def test_the_hosts_summary_sorts_by_size() -> None:
    held = [Held(1024, "parameters", "parameters: w"), Held(4096, "samples", "samples: inputs")]
    lines = host_summary(held, [("process", "1 GiB")], "Host memory").splitlines()
    assert lines[2:4] == ["process        1 GiB", "in tensors     5 KiB in 2 storages"]
    assert lines[6:8] == ["     4 KiB   80 %       1  samples", "     1 KiB   20 %       1  parameters"]
    assert lines[-2:] == ["     4 KiB  samples: inputs", "     1 KiB  parameters: w"]
