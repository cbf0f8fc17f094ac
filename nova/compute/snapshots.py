"""Make images of this host's guests, and send them to the image service."""

import contextlib
import logging
import threading
from typing import Any

from nova import errors
from nova.clients.image import ImageClient
from nova.compute.guests import Guests, able
from nova.compute.turns import Turns
from nova.domain.snapshot import Quiesce, Snapshot
from nova.virt import driver

LOG = logging.getLogger(__name__)


class Snapshots:
    """At most `most` are made, or sent, at a time; 0 is no limit."""

    def __init__(self, hypervisor: Any, guests: Guests, images: ImageClient, most: int = 5):
        self._hypervisor, self._guests, self._images = hypervisor, guests, images
        self._slots = threading.BoundedSemaphore(most) if most else contextlib.nullcontext()
        self._uploads = Turns()

    def take(self, server_id: str, image_id: str, quiesce: Quiesce) -> Snapshot:
        hypervisor = able(self._hypervisor, driver.Snapshots, 'make images of guests')
        with self._slots, self._guests.working_on(server_id, 'snapshotted'):
            return hypervisor.take_snapshot(server_id, image_id, quiesce)

    def upload(self, server_id: str, image_id: str) -> None:
        """The guest is left alone meanwhile: only the file is read.

        A conductor that dies has the next one ask again, while what the first one asked for still goes on: the image
        service would refuse a second upload, so that one waits for the first, and finds that all is done.
        """
        hypervisor = able(self._hypervisor, driver.Snapshots, 'make images of guests')
        with self._uploads.alone(image_id), self._slots:
            path = hypervisor.snapshot_file(server_id, image_id)
            if path is not None:
                self._images.upload(image_id, path)
            elif not self._images.is_complete(image_id):
                raise errors.HostFailed(f'The data of image {image_id} is not on this host any more.')
            self._forget(server_id, image_id)

    def _forget(self, server_id: str, image_id: str) -> None:
        """The image is whole. A file that stays goes with the next one of its guest, or with that."""
        try:
            self.discard(server_id, image_id)
        except (errors.NovaError, OSError) as failure:
            LOG.warning('The data of image %s stays on this host for now: %s', image_id, failure)

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
