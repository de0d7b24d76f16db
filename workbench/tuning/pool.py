"""The places of a study. More can be added, and some taken back, while it runs."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import UsageError
from workbench.tuning.places import Place
from workbench.tuning.supply import Supply


class Pool:
    """At which places trials are started."""

    def __init__(self, places: Sequence[Place], supply: Supply) -> None:
        """places: at least one. supply: where more come from."""
        self._places = list(places)
        self._leaving: list[Place] = []
        """Taken back while something was being trained there, which ends first."""
        self._supply = supply

    def __len__(self) -> int:
        return len(self._places)

    def free(self, taken: Sequence[Place | None]) -> Place | None:
        """A place at which nothing is trained.

        taken: where something is; None for a trial that an earlier controller has started, which takes a place too.
        """
        free = [place for place in self._places if not _holds(taken, place)]
        orphans = sum(place is None for place in taken)
        return free[orphans] if len(free) > orphans else None

    def add(self) -> str:
        """Adds a place, if there is one; says what was done."""
        if self._leaving:
            place = self._leaving.pop()
            self._places.append(place)
            return f"the place that was to be taken back is kept: {self._count}"
        try:
            place, said = self._supply.more(self._places)
        except UsageError as error:
            return f"no place is added: {error}"
        self._places.append(place)
        self._supply.divide(self._places)
        return f"a place is added, {self._count}: {said}"

    def resize(self, count: int | None) -> list[str]:
        """Adds places or takes some back before the first trial, as an earlier controller had; says what was done.

        count: how many it had; None: as many as there are. Where there are fewer now, as many as can be had.
        """
        said = []
        while count is not None and len(self) != count:
            before = len(self)
            said.append(self.add() if before < count else self.take_back([]))
            if len(self) == before:
                break
        return said

    def take_back(self, taken: Sequence[Place | None]) -> str:
        """Takes the last place back; says what was done. Where something is trained, it ends first."""
        if len(self._places) == 1:
            return "the last place is not taken back: stop or pause the study instead"
        place = self._places.pop()
        self._leaving.append(place)
        if _holds(taken, place):
            return f"a place is taken back once the trial there has ended: {self._count} then"
        self.close_left(taken)
        return f"a place is taken back: {self._count}"

    def close_left(self, taken: Sequence[Place | None]) -> None:
        """Closes the places that were taken back and where nothing is trained any more."""
        left = [place for place in self._leaving if not _holds(taken, place)]
        for place in left:
            place.close()
            self._leaving.remove(place)
        if left:
            self._supply.divide(self._places)

    def close(self) -> None:
        """Closes all places."""
        for place in [*self._places, *self._leaving]:
            place.close()

    @property
    def _count(self) -> str:
        return "1 place" if len(self._places) == 1 else f"{len(self._places)} places"


def _holds(places: Sequence[Place | None], place: Place) -> bool:
    return any(each is place for each in places)
