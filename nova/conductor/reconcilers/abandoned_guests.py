"""Remove the guests that were given up while their host was away, once it is back."""

import datetime
import logging
from collections.abc import Iterable
from typing import Any

from nova import errors
from nova.conductor.reconcilers.reconciler import Reconciler
from nova.context import admin_context
from nova.db.stores import guests

LOG = logging.getLogger(__name__)

INTERVAL = 15


def removable(abandoned: Iterable[Any], now: datetime.datetime, down_after: float) -> list[Any]:
    """Those whose host has shown a sign of life since it was given up, and recently."""
    return [
        guest for guest in abandoned if guest.host_seen_at and (now - guest.host_seen_at).total_seconds() <= down_after
    ]


def repair(cloud: Any) -> None:
    for cell in cloud.databases.cells():
        database = cloud.databases.cell(cell.id)
        with database.reading() as tx:
            abandoned = guests.abandoned(tx)
        for guest in removable(abandoned, cloud.now(), cloud.service_down_time):
            try:
                cloud.compute(guest.host, cell.id).remove_guest(
                    admin_context(), server_id=guest.server_id, guest_name=guest.name
                )
            except (errors.ServiceDown, errors.HostFailed) as failure:
                LOG.warning('Guest %s stays on host %s for now: %s', guest.server_id, guest.host, failure)
                continue
            with database.writing() as tx:
                guests.remove(tx, guest.server_id, guest.host)
            LOG.info('Guest %s was removed from host %s, which had been away.', guest.server_id, guest.host)


ABANDONED_GUESTS = Reconciler('abandoned guests', INTERVAL, repair)
