"""When the trainer polls: at step numbers, not at times, so that all ranks of a distributed run can agree on them.

A rank that polled by its own clock could stop, pause or change the learning rate at another step than its neighbours,
and all would wait forever in the next all-reduce. So measured time is turned into step numbers: `next_check` says at
which step to look at the time again, and a check says whether to poll there. Both depend only on the arguments of
`begin` and `is_due`: the step, which all ranks count alike, and `now`. A distributed run broadcasts rank 0's `now` at
each check (about a hundred times a second, and never more than once a step), and at each poll what rank 0 found there:
the requests, and whether a checkpoint is due. One process uses the schedule as it is.

A request waits POLL_SECONDS for the next poll and some more until a check. Checks are ten times as frequent as polls,
so that it waits at most 2 × POLL_SECONDS even where steps suddenly take ten times as long. After an even greater jump
one check comes late, and the next ones come in time again.
"""

from __future__ import annotations

import math

POLL_SECONDS = 0.1
"""Least time between two polls; requests must be handled within 0.2 s."""
CHECKS_PER_POLL = 10
MOST_GROWTH = 2
"""How many times as many steps as before there are at most between two checks: a few fast steps (which a GPU has only
queued) must not put the next check far off."""


class PollSchedule:
    """Turns measured time into the number of the step at which to check the time next."""

    def __init__(self) -> None:
        self.next_check = 1
        """At this step, or the first that ends after it, and at an epoch's last step, `is_due` is to be called."""
        self._interval = 1
        """Steps between two checks."""
        self._checked_step = 0
        self._checked_at = 0.0
        self._polled_at = -math.inf

    def begin(self, step: int, now: float) -> None:
        """Steps follow after `step`, at `now` (seconds): time that passed before says nothing of their pace."""
        self._checked_step, self._checked_at = step, now
        self.next_check = step + self._interval

    def is_due(self, step: int, now: float) -> bool:
        """Whether to poll after `step`, at `now`; decides the next check."""
        steps, seconds = step - self._checked_step, now - self._checked_at
        most = MOST_GROWTH * self._interval
        wanted = most if seconds <= 0 else min(steps * POLL_SECONDS / CHECKS_PER_POLL / seconds, most)
        self._interval = max(int(wanted), 1)
        self.begin(step, now)
        if now - self._polled_at < POLL_SECONDS:
            return False
        self._polled_at = now
        return True
