"""Remove images of servers that no operation fills: who recorded them was killed, or never heard that Glance did."""

import datetime
import logging
from typing import Any

from nova.conductor.reconcilers.reconciler import Reconciler
from nova.db.stores import operations
from nova.domain.operation import RUNNING, STUCK, WAITING

LOG = logging.getLogger(__name__)

INTERVAL = 60
UNENDED = (RUNNING, WAITING, STUCK)


def repair(cloud: Any) -> None:
    before = cloud.now() - datetime.timedelta(seconds=cloud.image_patience)
    for image_id, server_id in cloud.images.unfilled(before):
        if not _is_awaited(cloud, image_id, server_id):
            cloud.images.remove(image_id)
            LOG.info('Image %s of server %s is removed: nothing gives it its data.', image_id, server_id)


def _is_awaited(cloud: Any, image_id: str, server_id: str) -> bool:
    for cell in cloud.databases.cells():
        with cloud.databases.cell(cell.id).reading() as tx:
            done = operations.of_server(tx, server_id)
        if any(row.status in UNENDED and row.parameters.get('image_id') == image_id for row in done):
            return True
    return False


UNFILLED_IMAGES = Reconciler(
    'unfilled images', INTERVAL, repair, interval_of=lambda cloud: min(INTERVAL, cloud.image_patience)
)
