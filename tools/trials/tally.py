"""Count how the verbs of a trial ended, and show it as a table."""

import collections
import dataclasses
import statistics
import threading
from collections.abc import Iterable, Mapping


@dataclasses.dataclass
class Tally:
    """How the trials of one verb ended, and the seconds until all was at rest."""

    done: int = 0
    undone: int = 0
    refused: int = 0
    stuck: int = 0
    seconds: list[float] = dataclasses.field(default_factory=list)

    @property
    def count(self) -> int:
        return self.done + self.undone + self.refused + self.stuck

    def add(self, end: str, seconds: float) -> None:
        setattr(self, end, getattr(self, end) + 1)
        # A request that was refused did nothing that could take time.
        if end != 'refused':
            self.seconds.append(seconds)


class Tallies:
    """Those of all verbs, and of the kills. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.verbs: dict[str, Tally] = collections.defaultdict(Tally)
        self.kills: collections.Counter[str] = collections.Counter()

    def ended(self, verb: str, end: str, seconds: float) -> None:
        with self._lock:
            self.verbs[verb].add(end, seconds)

    def killed(self, daemon: str) -> None:
        with self._lock:
            self.kills[daemon] += 1

    @property
    def count(self) -> int:
        with self._lock:
            return sum(tally.count for tally in self.verbs.values())

    def of(self, end: str) -> int:
        with self._lock:
            return sum(getattr(tally, end) for tally in self.verbs.values())


def table(tallies: Mapping[str, Tally]) -> Iterable[str]:
    """The lines that tell of all trials, the slowest verb first."""
    yield (
        f'{"verb":20} {"count":>6} {"done":>6} {"undone":>7} {"refused":>8} {"stuck":>6} '
        f'{"median s":>9} {"slowest s":>10}'
    )
    for verb, tally in sorted(tallies.items(), key=lambda item: -max(item[1].seconds, default=0)):
        times = (
            f'{statistics.median(tally.seconds):9.1f} {max(tally.seconds):10.1f}'
            if tally.seconds
            else f'{"-":>9} {"-":>10}'
        )
        yield (f'{verb:20} {tally.count:6} {tally.done:6} {tally.undone:7} {tally.refused:8} {tally.stuck:6} {times}')


def summary(tallies: Tallies) -> Iterable[str]:
    yield from table(tallies.verbs)
    seconds = [taken for tally in tallies.verbs.values() for taken in tally.seconds]
    if seconds:
        yield f'\nTo come to rest: median {statistics.median(seconds):.1f} s, slowest {max(seconds):.1f} s'
    yield f'Refused: {tallies.of("refused")} of {tallies.count}'
    kills = ', '.join(f'{name} {count}' for name, count in sorted(tallies.kills.items()))
    yield f'Killed ({tallies.kills.total()}): {kills or "nothing"}'
