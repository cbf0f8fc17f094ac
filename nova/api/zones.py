"""Whether hosts may change their availability zones: each is in one at most, and servers must not be moved by it."""

from collections.abc import Collection, Iterable, Mapping

from nova import errors
from nova.api.request import Request
from nova.db.stores import hosts
from nova.db.stores.aggregates import Aggregate
from nova.domain.cell import Down


def occupied(request: Request, cells: Mapping[str, str]) -> set[str]:
    """Those of the hosts that have servers; `cells` names the cell of each. Raises ServiceDown if one does not answer."""
    asked = [cell for cell in request.databases.cells() if cell.id in cells.values()]
    answers = request.databases.across_cells(lambda tx, cell: hosts.with_servers(tx, list(cells)), cells=asked)
    for cell, answer in answers.items():
        if isinstance(answer, Down):
            raise errors.ServiceDown(f'Cell {cell.name or cell.id}, which has the hosts, does not answer.')
    return {host for answer in answers.values() for host in answer}


def refusal(
    before: Iterable[Aggregate],
    after: Iterable[Aggregate],
    hosts: Iterable[str],
    occupied: Collection[str],
    default_zone: str,
) -> str | None:
    """Why the hosts' aggregates must not become `after` where they were `before`; None if they may."""
    before, after = list(before), list(after)
    for host in hosts:
        had, gets = _zones(before, host), _zones(after, host)
        if len(gets) > 1 and gets - had:
            return f'One or more hosts already in availability zone(s) {sorted(had)}'
        if host in occupied and (had or {default_zone}) != (gets or {default_zone}):
            return 'One or more hosts contain instances in this zone'
    return None


def _zones(aggregates: Iterable[Aggregate], host: str) -> set[str]:
    return {
        aggregate.availability_zone
        for aggregate in aggregates
        if host in aggregate.hosts and aggregate.availability_zone
    }
