"""Make images of this host's guests, and send them to the image service."""

import contextlib
import logging
import threading
from typing import Any

from nova import errors
from nova.clients.image import ImageClient
from nova.compute.guests import Guests, able
from nova.domain.snapshot import Quiesce, Snapshot
from nova.virt import driver

LOG = logging.getLogger(__name__)


class Snapshots:
    """At most `most` are made, or sent, at a time; 0 is no limit."""

    def __init__(self, hypervisor: Any, guests: Guests, images: ImageClient, most: int = 5):
        self._hypervisor, self._guests, self._images = hypervisor, guests, images
        self._turns = threading.BoundedSemaphore(most) if most else contextlib.nullcontext()

    def take(self, server_id: str, image_id: str, quiesce: Quiesce) -> Snapshot:
        hypervisor = able(self._hypervisor, driver.Snapshots, 'make images of guests')
        with self._turns, self._guests.working_on(server_id, 'snapshotted'):
            return hypervisor.take_snapshot(server_id, image_id, quiesce)

    def upload(self, server_id: str, image_id: str) -> None:
        """The guest is left alone meanwhile: only the file is read."""
        hypervisor = able(self._hypervisor, driver.Snapshots, 'make images of guests')
        with self._turns:
            path = hypervisor.snapshot_file(server_id, image_id)
            if path is not None:
                self._images.upload(image_id, path)
            elif not self._images.is_complete(image_id):
                raise errors.HostFailed(f'The data of image {image_id} is not on this host any more.')
        hypervisor.discard_snapshot(server_id, image_id)

    def discard(self, server_id: str, image_id: str) -> None:
        able(self._hypervisor, driver.Snapshots, 'make images of guests').discard_snapshot(server_id, image_id)

    def let_go(self) -> None:
        """Have guests go on that an earlier process saved, and could not let go. One that is worked on now is left to that."""
        if not isinstance(self._hypervisor, driver.Snapshots):
            return
        for server_id in self._hypervisor.saved_for_snapshots():
            with self._guests.working_on(server_id, 'let go'):
                self._hypervisor.let_go(server_id)

    def clean(self) -> None:
        """Remove what an earlier process has left. To be called before the first guest is worked on."""
        if not isinstance(self._hypervisor, driver.Snapshots):
            return
        try:
            self._hypervisor.discard_all_snapshots()
        except (errors.NovaError, OSError) as failure:
            LOG.warning('What is left of earlier snapshots stays for now: %s', failure)
