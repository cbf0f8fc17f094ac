"""Confirm resizes that have waited for their users long enough, where the operator has set how long that is.

Those of servers that are deleted wait for nobody.
"""

import datetime
import logging
from typing import Any

from nova import errors
from nova.conductor.reconcilers.reconciler import Reconciler
from nova.context import admin_context
from nova.db.stores import migrations
from nova.operations import start
from nova.operations.confirm_resize import CONFIRMED, ConfirmResize

LOG = logging.getLogger(__name__)

INTERVAL = 60


def repair(cloud: Any) -> None:
    for cell in cloud.databases.cells():
        if not cell.is_cell0:
            _release_orphaned(cloud, cell.id)
            if cloud.resize_confirm_window > 0:
                _confirm_overdue(cloud, cell.id, cloud.resize_confirm_window)


def _release_orphaned(cloud: Any, cell_id: str) -> None:
    """What was left of the resizes of servers that are deleted: their states had been reset before."""
    database = cloud.databases.cell(cell_id)
    with database.reading() as tx:
        orphaned = migrations.orphaned(tx)
    for move in orphaned:
        cloud.placement.release(move.id)
        with database.writing() as tx:
            migrations.set_status(tx, move.id, CONFIRMED)


def _confirm_overdue(cloud: Any, cell_id: str, window: int) -> None:
    before = cloud.now() - datetime.timedelta(seconds=window)
    with cloud.databases.cell(cell_id).reading() as tx:
        overdue = migrations.overdue(tx, before)
    for host, move in overdue:
        _confirm(cloud, ConfirmResize(move.server_id, cell_id, host, move.id), window)


def _confirm(cloud: Any, operation: ConfirmResize, window: int) -> None:
    try:
        start.verb(cloud, admin_context(), operation)
    except errors.Refused as failure:
        # Its user has decided meanwhile.
        LOG.info('The resize of server %s is not confirmed: %s', operation.server_id, failure)
        return
    LOG.info('The resize of server %s has waited for %d s and is confirmed.', operation.server_id, window)


UNCONFIRMED_RESIZES = Reconciler('unconfirmed resizes', INTERVAL, repair)
