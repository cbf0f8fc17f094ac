"""Confirm resizes that have waited for their users long enough, where the operator has set how long that is."""

import datetime
import logging
from typing import Any

from nova import errors
from nova.conductor.reconcilers.reconciler import Reconciler
from nova.context import admin_context
from nova.db.stores import migrations
from nova.operations import start
from nova.operations.confirm_resize import ConfirmResize

LOG = logging.getLogger(__name__)

INTERVAL = 60


def repair(cloud: Any) -> None:
    window = cloud.resize_confirm_window
    if window <= 0:
        return
    before = cloud.now() - datetime.timedelta(seconds=window)
    for cell in cloud.databases.cells():
        if cell.is_cell0:
            continue
        with cloud.databases.cell(cell.id).reading() as tx:
            overdue = migrations.overdue(tx, before)
        for host, move in overdue:
            _confirm(cloud, ConfirmResize(move.server_id, cell.id, host, move.id), window)


def _confirm(cloud: Any, operation: ConfirmResize, window: int) -> None:
    try:
        start.verb(cloud, admin_context(), operation)
    except errors.Refused as failure:
        # Its user has decided meanwhile.
        LOG.info('The resize of server %s is not confirmed: %s', operation.server_id, failure)
        return
    LOG.info('The resize of server %s has waited for %d s and is confirmed.', operation.server_id, window)


UNCONFIRMED_RESIZES = Reconciler('unconfirmed resizes', INTERVAL, repair)
