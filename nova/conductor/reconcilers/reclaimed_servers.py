"""Delete servers for good that were deleted for the time being, when their time is over."""

import datetime
import logging
from typing import Any

from nova import errors
from nova.conductor.reconcilers.reconciler import Reconciler
from nova.context import admin_context
from nova.db.stores import deletions
from nova.operations import start

LOG = logging.getLogger(__name__)

INTERVAL = 30


def repair(cloud: Any) -> None:
    if cloud.reclaim_interval <= 0:
        return
    before = cloud.now() - datetime.timedelta(seconds=cloud.reclaim_interval)
    for cell in cloud.databases.cells():
        with cloud.databases.cell(cell.id).reading() as tx:
            overdue = deletions.overdue(tx, before)
        for server_id in overdue:
            try:
                start.reclaim(cloud, admin_context(), server_id, cell.id)
            except errors.Refused as failure:
                LOG.info('Server %s is not reclaimed: %s', server_id, failure)
                continue
            LOG.info(
                'Server %s was deleted %d seconds ago or more, and is deleted for good.',
                server_id,
                cloud.reclaim_interval,
            )


RECLAIMED_SERVERS = Reconciler('reclaimed servers', INTERVAL, repair)
