"""Summarizes in text what is in memory: from PyTorch's snapshot of a GPU, or from the tensors alive on the host.

A snapshot is what `torch.cuda.memory._snapshot()` gives: segments, each of blocks, each with the Python frames of its
allocation where that was recorded; and per device a trace of what was allocated and freed, in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from workbench.units import count, size

MOST_ROWS = 12
"""Of each table of a summary."""
WIDTH = 76
"""Columns of a summary: as many as fit a dialog on a screen of 80."""
NO_FRAME = "no Python frame"
NO_FRAME_NOTE = f"({NO_FRAME}: allocated by the backward pass, or before recording began)"
_LIBRARIES = ("/site-packages/", "/dist-packages/", "/lib/python3")
"""Frames in these say less than the code that called them."""
_GRAPHS_POOL = "segment_pool_id"
_Frames = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Owner:
    """What a tensor is for the job."""

    kind: str
    """parameters, gradients, optimizer state, samples, ..."""
    name: str
    """Which of them."""


@dataclass(frozen=True)
class Held:
    """Memory that something holds."""

    bytes: int
    kind: str
    """Its owner's kind, else where it was allocated."""
    name: str
    """Its owner's name, else where it was allocated."""


@dataclass(frozen=True)
class Totals:
    """A device's memory, in bytes."""

    reserved: int
    segments: int
    graphs: int
    """Reserved in the private pools of CUDA graphs."""
    held: int
    """In blocks that tensors use."""
    rounding: int
    """Of those, what rounding up added to the requested sizes."""
    gaps: tuple[int, ...]
    """Reserved blocks that nothing uses, the largest first."""

    @property
    def unused(self) -> int:
        """Reserved, and in no tensor."""
        return sum(self.gaps)

    @property
    def fragmentation(self) -> float:
        """Fraction of what is unused that lies outside the largest gap, 0 to 1."""
        return 1 - self.gaps[0] / self.unused if self.unused else 0.0


def totals(snapshot: Mapping[str, Any], device: int) -> Totals:
    """Adds up a GPU's memory."""
    segments = _segments(snapshot, device)
    blocks = [block for segment in segments for block in segment["blocks"]]
    held = [block for block in blocks if block["state"] != "inactive"]
    return Totals(
        reserved=sum(segment["total_size"] for segment in segments),
        segments=len(segments),
        graphs=sum(s["total_size"] for s in segments if tuple(s.get(_GRAPHS_POOL, (0, 0))) != (0, 0)),
        held=sum(block["size"] for block in held),
        rounding=sum(block["size"] - _requested(block) for block in held),
        gaps=tuple(sorted((block["size"] for block in blocks if block["state"] == "inactive"), reverse=True)),
    )


def held_now(snapshot: Mapping[str, Any], owners: Mapping[int, Owner], device: int) -> list[Held]:
    """What tensors hold; owners: by the address at which their memory begins."""
    return [
        _held(_requested(block), owners.get(block["address"]), block.get("frames", ()))
        for segment in _segments(snapshot, device)
        for block in segment["blocks"]
        if block["state"] != "inactive"
    ]


def held_at_peak(snapshot: Mapping[str, Any], owners: Mapping[int, Owner], device: int) -> list[Held]:
    """What tensors held at the peak of the recorded trace; nothing without a trace."""
    traces = snapshot.get("device_traces") or []
    trace: list[Mapping[str, Any]] = [
        entry
        for entry in (traces[device] if device < len(traces) else ())
        if entry["action"] in ("alloc", "free_completed")
    ]
    if not trace:
        return []
    live: dict[int, tuple[int, _Frames]] = {
        block["address"]: (_requested(block), block.get("frames", ()))
        for segment in _segments(snapshot, device)
        for block in segment["blocks"]
        if block["state"] != "inactive"
    }
    for entry in reversed(trace):  # back to where recording began ...
        if entry["action"] == "alloc":
            live.pop(entry["addr"], None)
        else:
            live[entry["addr"]] = (entry["size"], ())
    before = dict(live)
    now = most = sum(held for held, _ in live.values())
    peak = 0
    for place, entry in enumerate(trace, 1):  # ... and forward, to see when it was most
        now += entry["size"] if entry["action"] == "alloc" else -entry["size"]
        if now > most:
            most, peak = now, place
    recorded: set[int] = set()
    for entry in trace[:peak]:
        if entry["action"] == "alloc":
            live[entry["addr"]] = (entry["size"], entry.get("frames", ()))
            recorded.add(entry["addr"])
        else:
            live.pop(entry["addr"], None)
    # An address that has been reused since no longer belongs to its owner.
    return [
        _held(held, owners.get(address) if address in before and address not in recorded else None, frames)
        for address, (held, frames) in live.items()
    ]


def place_of(frames: _Frames) -> str:
    """The line of code that allocated: the innermost frame outside of libraries, else the innermost of all."""
    own = next((frame for frame in frames if not any(part in frame["filename"] for part in _LIBRARIES)), None)
    frame = own or (frames[0] if frames else None)
    if frame is None:
        return NO_FRAME
    return f"{'/'.join(PurePath(frame['filename']).parts[-2:])}:{frame['line']} {frame['name']}"


def gpu_summary(snapshot: Mapping[str, Any], owners: Mapping[int, Owner], device: int, title: str) -> str:
    """A snapshot of a GPU's memory in text, some fifty lines."""
    total, now = totals(snapshot, device), held_now(snapshot, owners, device)
    at_peak = held_at_peak(snapshot, owners, device)
    graphs = f", {size(total.graphs)} of it in pools of CUDA graphs" if total.graphs else ""
    largest = f", the largest {size(total.gaps[0])}" if total.gaps else ""
    lines = [
        title,
        "",
        f"reserved       {size(total.reserved)} in {count(total.segments)} segments{graphs}",
        f"in tensors     {size(total.held)} in {count(len(now))} blocks, {size(total.rounding)} of it by rounding up",
        f"unused         {size(total.unused)} in {count(len(total.gaps))} gaps{largest}",
        f"fragmentation  {100 * total.fragmentation:.0f} % of what is unused lies outside the largest gap",
    ]
    if at_peak:
        most = sum(held.bytes for held in at_peak)
        lines += ["", f"At the peak of what was recorded, {size(most)}, by where it was allocated", *_by_kind(at_peak)]
    lines += ["", "Now, by where it was allocated", *_by_kind(now), "", "Largest now", *_largest(now)]
    if any(held.kind == NO_FRAME for held in (*now, *at_peak)):
        lines += ["", NO_FRAME_NOTE]
    return _text(lines)


def host_summary(held: Sequence[Held], facts: Sequence[tuple[str, str]], title: str) -> str:
    """Tensors alive on the host in text; facts: names and values to stand above them."""
    whole = f"{size(sum(item.bytes for item in held))} in {count(len(held))} storages"
    lines = [title, "", *(f"{name:<14} {value}" for name, value in (*facts, ("in tensors", whole)))]
    lines += ["", "By kind", *_by_kind(held), "", "Largest", *_largest(held)]
    return _text(lines)


def _held(held_bytes: int, owner: Owner | None, frames: _Frames) -> Held:
    if owner is not None:
        return Held(held_bytes, owner.kind, f"{owner.kind}: {owner.name}")
    place = place_of(frames)
    return Held(held_bytes, place, place)


def _by_kind(held: Iterable[Held]) -> list[str]:
    """A row for each kind: bytes, fraction, number, kind; the largest first."""
    sums: dict[str, tuple[int, int]] = {}
    for item in held:
        before = sums.get(item.kind, (0, 0))
        sums[item.kind] = before[0] + item.bytes, before[1] + 1
    whole = sum(held_bytes for held_bytes, _ in sums.values()) or 1
    rows = sorted(sums.items(), key=lambda row: -row[1][0])
    shown = [
        f"{size(held_bytes):>10} {100 * held_bytes / whole:>4.0f} % {count(pieces):>7}  {kind}"
        for kind, (held_bytes, pieces) in rows[:MOST_ROWS]
    ]
    return shown + _rest(len(rows), sum(held_bytes for _, (held_bytes, _) in rows[MOST_ROWS:]))


def _largest(held: Iterable[Held]) -> list[str]:
    rows = sorted(held, key=lambda item: -item.bytes)
    shown = [f"{size(item.bytes):>10}  {item.name}" for item in rows[:MOST_ROWS]]
    return shown + _rest(len(rows), sum(item.bytes for item in rows[MOST_ROWS:]))


def _rest(rows: int, rest_bytes: int) -> list[str]:
    return [f"{size(rest_bytes):>10}  in {count(rows - MOST_ROWS)} more"] if rows > MOST_ROWS else []


def _segments(snapshot: Mapping[str, Any], device: int) -> list[Mapping[str, Any]]:
    return [segment for segment in snapshot["segments"] if segment.get("device", device) == device]


def _requested(block: Mapping[str, Any]) -> int:
    return int(block.get("requested_size", block["size"]))


def _text(lines: Iterable[str]) -> str:
    rows = "\n".join(lines).split("\n")
    return "".join(f"{row if len(row) <= WIDTH else f'{row[: WIDTH - 3]}...'}\n" for row in rows)
