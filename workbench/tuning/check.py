"""A dry run of the corners of a search space: what cannot be built is refused, and what memory it takes is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.errors import PresetError, WorkbenchError
from workbench.processes.messages import Failure
from workbench.processes.plan import Plan
from workbench.processes.plans import Planning
from workbench.settings.preset import Preset
from workbench.settings.toml_text import toml
from workbench.tuning.dimensions import Numbers
from workbench.tuning.space import SearchSpace, corners
from workbench.units import size

Planned = list[Plan | Failure]


@dataclass(frozen=True)
class Corner:
    """A preset at an extreme of the space."""

    preset: Preset
    words: str
    """What it changes, for people."""


NUMBERS_OF = ("optimizer", "schedule", "loss")
"""Tables whose numbers change neither what is built nor what memory it takes."""


def is_needed(space: SearchSpace) -> bool:
    """Whether trials of the space may differ in what is built, or in the memory that they take."""
    return not all(
        isinstance(each, Numbers) and (each.path.partition(".")[0] in NUMBERS_OF or each.path == "model.dropout")
        for each in space.dimensions
    )


def corners_of(space: SearchSpace, preset: Preset) -> list[Corner]:
    """The preset itself, and what `space.corners` says. Raises PresetError where settings do not fit together."""
    own = preset.without_search()
    found = [Corner(own, "the preset itself")]
    for corner in corners(space, preset):
        flat, base = corner.flat(), own.flat()
        changed = {path: value for path, value in flat.items() if path in space.paths and base.get(path) != value}
        if changed:
            found.append(Corner(corner, ", ".join(f"{path}={toml(value)}" for path, value in changed.items())))
    return found


class CornerCheck:
    """Builds every corner in a process of its own, while the first trial's process starts."""

    def __init__(
        self,
        found: Sequence[Corner],
        memory: Callable[[], int | None],
        plan: Callable[[Sequence[Preset]], Planning] = Planning,
        *,
        elsewhere: bool = False,
    ) -> None:
        """memory: bytes that a trial may take; None where that is not known. Raises TrainerLostError.

        elsewhere: trials run on other machines, which may have a device that this one lacks.
        """
        self._corners = found
        self._memory = memory
        self._plan = plan
        self._ignored = ("out_of_memory", "device") if elsewhere else ("out_of_memory",)
        self._planning: Planning | None = plan([corner.preset for corner in found])
        self._is_tight = False
        self.weights_bytes = 0
        """Of the checkpoints of the largest trial, about; 0 while that is not known."""

    def poll(self) -> str | None:
        """None while it is not done, then what the user should know, mostly nothing.

        Raises PresetError where a corner cannot be built.
        """
        if self._planning is None:
            return ""
        plans = self._planning.poll()
        if plans is None:
            return None
        self._planning = None
        return self._judge(plans)

    def _judge(self, plans: Planned) -> str:
        limit = self._memory()
        for corner, answer in zip(self._corners, plans, strict=True):
            if isinstance(answer, Failure) and answer.kind not in self._ignored:
                raise _refusal(corner, answer)
            if isinstance(answer, Plan) and limit is not None and (answer.peak_bytes or 0) > limit:
                self._is_tight = True
            if isinstance(answer, Plan):
                self.weights_bytes = max(self.weights_bytes, checkpoints_bytes(answer))
        if not self._is_tight or limit is None:
            return ""
        most = max(plan.peak_bytes or 0 for plan in plans if isinstance(plan, Plan))
        return f"the largest trials of this space need {size(most)}, {size(limit)} are there: those are skipped"

    def why_not(self, preset: Preset) -> str:
        """Why a trial is skipped; empty if it fits. Takes seconds, and only where the space is too large for memory."""
        if not self._is_tight:
            return ""
        limit, [answer] = self._memory(), self._plan([preset]).wait()
        if not isinstance(answer, Plan) or limit is None or (answer.peak_bytes or 0) <= limit:
            return ""
        return f"skipped: it needs {size(answer.peak_bytes or 0)} of memory, {size(limit)} are there"

    def close(self) -> None:
        """Ends the process."""
        if self._planning is not None:
            self._planning.close()
            self._planning = None


def checkpoints_bytes(plan: Plan) -> int:
    """Of the last checkpoint and the best one, each with the state of the optimizer."""
    return 2 * (plan.memory_bytes.get("parameters", 0) + plan.memory_bytes.get("optimizer", 0))


def _refusal(corner: Corner, failure: Failure) -> WorkbenchError:
    place = "" if corner.words == "the preset itself" else f"the search space cannot be trained at {corner.words}: "
    error = PresetError(f"{place}{failure.error}")
    error.exit_code, error.kind = failure.exit_code, failure.kind
    return error
