"""Try stuck operations again: what kept an undo from working may have gone."""

import datetime
import logging
from typing import Any

from nova.conductor.reconcilers.reconciler import Reconciler
from nova.db.stores import operations

LOG = logging.getLogger(__name__)

INTERVAL = 300


def repair(cloud: Any) -> None:
    databases = [cloud.databases.api, *(cloud.databases.cell(cell.id) for cell in cloud.databases.cells())]
    stuck_since = cloud.now() - datetime.timedelta(seconds=INTERVAL)
    for database in databases:
        with database.writing() as tx:
            if count := operations.unstick(tx, stuck_since):
                LOG.warning('%s stuck operations are tried again.', count)


STUCK_OPERATIONS = Reconciler('stuck operations', INTERVAL, repair)
