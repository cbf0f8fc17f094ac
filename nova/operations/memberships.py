"""Tell Placement which hosts are in which aggregates, so that its aggregates have the members that ours have."""

import logging
from collections.abc import Iterable
from typing import Any

from nova import errors
from nova.db.stores import aggregates, host_mappings, hosts
from nova.db.stores.aggregates import Untold

LOG = logging.getLogger(__name__)


def tell(databases: Any, placement: Any) -> None:
    """Tell Placement all that it has not been told yet. What it cannot be told now stays noted.

    Aggregates that are not ours are left alone. Raises ServiceDown when Placement is away.
    """
    with databases.api.reading() as tx:
        untold = aggregates.untold(tx)
        mapped = dict(host_mappings.listing(tx)) if untold else {}
    for host, memberships in _by_host(untold).items():
        if host in mapped and not _told(databases.cell(mapped[host]), placement, host, memberships):
            continue
        databases.api.write(lambda tx, memberships=memberships: aggregates.told(tx, memberships))


def _told(cell: Any, placement: Any, host: str, memberships: Iterable[Untold]) -> bool:
    """Whether Placement now knows. It cannot while it does not know the host, or while the cell is away."""
    joined = {membership.aggregate_uuid for membership in memberships if membership.holds}
    left = {membership.aggregate_uuid for membership in memberships if not membership.holds}
    try:
        with cell.reading() as tx:
            providers = hosts.node_ids(tx, host)
    except errors.ServiceDown as failure:
        # Hosts of other cells need not wait for this one.
        LOG.warning('The aggregates of host %s are told later: %s', host, failure)
        return False
    try:
        for provider_id in providers:
            placement.update_aggregates(provider_id, lambda current: current - left | joined)
    except errors.NotFound as missing:
        LOG.debug('The aggregates of host %s are told later: %s', host, missing)
        return False
    return bool(providers)


def _by_host(untold: Iterable[Untold]) -> dict[str, list[Untold]]:
    found: dict[str, list[Untold]] = {}
    for membership in untold:
        found.setdefault(membership.host, []).append(membership)
    return found
