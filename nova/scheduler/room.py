"""Remember for a moment where Placement has room, and what we have taken of it since.

Looking for candidates costs Placement about as much as a claim. Since Placement checks every claim for room, an answer
that is some seconds old costs at most a second try: what others have taken meanwhile makes the claim fail, and what has
become free is seen at the latest before anybody is refused. What a claim does not check is traits and aggregates, so
where a request names any the answer is kept for a second only. Whether a host is up and enabled is the filters' to say.
"""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from nova.clients.placement import PlacementClient
from nova.domain.placement import Candidate, Wanted

MAX_AGE = 10.0
MAX_AGE_WITH_TRAITS = 1.0
# What is forbidden in every request.
USUALLY_FORBIDDEN = frozenset({'COMPUTE_STATUS_DISABLED'})
MAX_ANSWERS = 100


class Taken:
    """What has been taken of each provider by choices that are still to be claimed."""

    def __init__(self) -> None:
        self._amounts: dict[tuple[str, str], int] = {}

    def amount(self, provider_id: str, name: str) -> int:
        return self._amounts.get((provider_id, name), 0)

    def take(self, allocations: Mapping[str, Mapping[str, int]]) -> None:
        for provider_id, part in allocations.items():
            for name, amount in part.items():
                self._amounts[provider_id, name] = self._amounts.get((provider_id, name), 0) + amount


@dataclasses.dataclass(frozen=True)
class Answer:
    """Placement's answer to one question: the candidates, by the host's provider, and what was taken since."""

    at: float
    candidates: Mapping[str, tuple[Candidate, ...]]
    taken: Taken

    def fits(self, candidate: Candidate, drafted: Taken) -> bool:
        """Whether there is room for the candidate after what was claimed since, and what is about to be."""
        return all(
            amount + self.taken.amount(provider_id, name) + drafted.amount(provider_id, name)
            <= candidate.free[provider_id].get(name, 0)
            for provider_id, part in candidate.allocations.items()
            for name, amount in part.items()
        )


class Room:
    """Placement's recent answers."""

    def __init__(self, placement: PlacementClient, limit: int = 1000, clock: Callable[[], float] = time.monotonic):
        self._placement, self._limit, self._clock = placement, limit, clock
        self._answers: dict[Wanted, Answer] = {}
        self._lock = threading.Lock()

    def find(self, wanted: Wanted, since: float | None = None) -> Answer:
        """An answer that is some seconds old, or not older than `since` if that is given."""
        oldest = self._clock() - _max_age(wanted) if since is None else since
        with self._lock:
            known = self._answers.get(wanted)
        if known and known.at >= oldest:
            return known
        at = self._clock()
        answer = Answer(at, _by_root(self._placement.candidates(wanted, self._limit)), Taken())
        with self._lock:
            while len(self._answers) >= MAX_ANSWERS:
                del self._answers[next(iter(self._answers))]
            self._answers.pop(wanted, None)
            self._answers[wanted] = answer
        return answer

    def claimed(self, allocations: Iterable[Mapping[str, Mapping[str, int]]]) -> None:
        """Take what has been claimed off every answer."""
        with self._lock:
            for part in allocations:
                for answer in self._answers.values():
                    answer.taken.take(part)

    def forget(self) -> None:
        with self._lock:
            self._answers.clear()


def _max_age(wanted: Wanted) -> float:
    particular = wanted.required or wanted.member_of or not USUALLY_FORBIDDEN.issuperset(wanted.forbidden)
    return MAX_AGE_WITH_TRAITS if particular else MAX_AGE


def _by_root(candidates: Iterable[Candidate]) -> dict[str, tuple[Candidate, ...]]:
    found: dict[str, tuple[Candidate, ...]] = {}
    for candidate in candidates:
        for root in candidate.roots:
            found[root] = (*found.get(root, ()), candidate)
    return found
