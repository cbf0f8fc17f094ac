"""Order the hosts that can take a server, best first, and say why the others cannot."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Protocol

from nova.domain.host import Host
from nova.domain.request import PlacementRequest


class Filter(Protocol):
    """One rule. `always`: it holds even where an administrator names the host and the other rules are skipped."""

    always: bool

    def reject(self, host: Host, request: PlacementRequest) -> str | None:
        """Why the host cannot take the server, as a sentence; None if this rule has nothing against it."""


class Weigher(Protocol):
    """One preference: `measure` orders hosts, `multiplier` says how much that counts and in which direction.

    Hosts of an aggregate with the metadata `<name>_weight_multiplier` are weighed by that instead.
    """

    name: str
    multiplier: float

    def measure(self, host: Host, request: PlacementRequest) -> float:
        """The raw measure; it is brought between 0 and 1 over the hosts that are compared."""


@dataclasses.dataclass(frozen=True)
class Weighed:
    host: Host
    weight: float


@dataclasses.dataclass(frozen=True)
class Ranking:
    """Hosts that can take the server, best first; and the reason for each other, by its name."""

    fitting: tuple[Weighed, ...]
    rejected: dict[str, str]


def place(
    request: PlacementRequest, hosts: Iterable[Host], filters: Sequence[Filter], weighers: Sequence[Weigher]
) -> Ranking:
    rules = [rule for rule in filters if rule.always] if request.forced else filters
    rejected: dict[str, str] = {}
    fitting: list[Host] = []
    for host in hosts:
        reason = next((why for rule in rules if (why := rule.reject(host, request))), None)
        if reason:
            rejected[host.name] = reason
        else:
            fitting.append(host)
    return Ranking(tuple(_weigh(request, fitting, weighers)), rejected)


def _weigh(request: PlacementRequest, hosts: Sequence[Host], weighers: Sequence[Weigher]) -> list[Weighed]:
    weights = [0.0] * len(hosts)
    for weigher in weighers:
        measures = _normalised([weigher.measure(host, request) for host in hosts])
        for place_of, host in enumerate(hosts):
            weights[place_of] += _multiplier(weigher, host) * measures[place_of]
    weighed = [Weighed(host, weight) for host, weight in zip(hosts, weights, strict=True)]
    return sorted(weighed, key=lambda item: (-item.weight, item.host.name))


def _normalised(measures: list[float]) -> list[float]:
    if not measures:
        return []
    lowest, highest = min(measures), max(measures)
    if lowest == highest:
        return [0.0] * len(measures)
    return [(measure - lowest) / (highest - lowest) for measure in measures]


def _multiplier(weigher: Weigher, host: Host) -> float:
    """The aggregates' own multiplier, the lowest if there are several; the option's where there is none."""
    if not host.aggregates:
        return weigher.multiplier
    key = f'{weigher.name}_weight_multiplier'
    given = [number for metadata in host.aggregates if (number := _number(metadata.get(key))) is not None]
    return min(given, default=weigher.multiplier)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
