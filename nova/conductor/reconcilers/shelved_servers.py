"""Take shelved servers off their hosts when they have been there for as long as the operator lets them."""

import datetime
import logging
from typing import Any

from nova import errors
from nova.conductor.reconcilers.reconciler import Reconciler
from nova.context import admin_context
from nova.db.stores import shelved
from nova.operations import start
from nova.operations.shelve_offload_server import ShelveOffloadServer

LOG = logging.getLogger(__name__)

INTERVAL = 60


def repair(cloud: Any) -> None:
    if cloud.shelved_offload_time < 0 or cloud.shelved_poll_interval < 0:
        return
    before = cloud.now() - datetime.timedelta(seconds=cloud.shelved_offload_time)
    for cell in cloud.databases.cells():
        with cloud.databases.cell(cell.id).reading() as tx:
            found = shelved.overdue(tx, before)
        for one in found:
            name = cloud.instance_name_template % one.number
            _offload(cloud, ShelveOffloadServer(one.server_id, cell.id, one.host, name))


def _offload(cloud: Any, operation: ShelveOffloadServer) -> None:
    try:
        start.verb(cloud, admin_context(), operation)
    except errors.Refused as failure:
        # Its user has brought it back meanwhile, or deleted it.
        LOG.info('Server %s stays on its host: %s', operation.server_id, failure)
        return
    LOG.info('Server %s has been shelved on host %s for long enough.', operation.server_id, operation.host)


SHELVED_SERVERS = Reconciler('shelved servers', INTERVAL, repair, interval_of=lambda cloud: cloud.shelved_poll_interval)
