"""The image that a server was shelved in: nobody needs it once the guest has its disk again."""

import logging
from collections.abc import Mapping
from typing import Any

from nova import errors
from nova.domain.server import SHELVED_AT, SHELVED_HOST, SHELVED_IMAGE_ID
from nova.operations.guest_operation import PATIENCE
from nova.saga.journal import Journal

LOG = logging.getLogger(__name__)


def remove(cloud: Any, journal: Journal, step: str, server_id: str, image_id: str) -> bool:
    """Whether it is seen to. A server that runs again is never stopped for this, so Glance is not waited for for ever."""
    try:
        cloud.images.remove(image_id)
    except errors.ServiceDown as failure:
        if journal.postponed(step) < PATIENCE:
            raise
        LOG.warning(
            'Image %s of server %s goes when that is deleted or shelved again: %s', image_id, server_id, failure
        )
        return False
    return True


def past(system_metadata: Mapping[str, str], removed: bool | None) -> dict[str, str]:
    """What is kept of a server that is shelved no more; an image that is still there must not be forgotten."""
    over = {SHELVED_AT, SHELVED_HOST} | (set() if removed is False else {SHELVED_IMAGE_ID})
    return {name: value for name, value in system_metadata.items() if name not in over}
