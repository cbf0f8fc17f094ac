"""End the rescue of servers whose users seem to have forgotten it, where the operator has set how long one may take."""

import datetime
import logging
from typing import Any

from nova import errors
from nova.conductor.reconcilers.reconciler import Reconciler
from nova.context import admin_context
from nova.db.stores import rescued
from nova.operations import start
from nova.operations.unrescue_server import UnrescueServer

LOG = logging.getLogger(__name__)

INTERVAL = 60


def repair(cloud: Any) -> None:
    if cloud.rescue_timeout <= 0:
        return
    before = cloud.now() - datetime.timedelta(seconds=cloud.rescue_timeout)
    for cell in cloud.databases.cells():
        if cell.is_cell0:
            continue
        with cloud.databases.cell(cell.id).reading() as tx:
            overdue = rescued.overdue(tx, before)
        for server_id, host in overdue:
            _unrescue(cloud, UnrescueServer(server_id, cell.id, host))


def _unrescue(cloud: Any, operation: UnrescueServer) -> None:
    try:
        start.verb(cloud, admin_context(), operation)
    except errors.Refused as failure:
        # Its user has ended it meanwhile.
        LOG.info('Server %s stays rescued: %s', operation.server_id, failure)
        return
    LOG.info('Server %s has been rescued for %d s and is unrescued.', operation.server_id, cloud.rescue_timeout)


RESCUED_SERVERS = Reconciler('rescued servers', INTERVAL, repair)
