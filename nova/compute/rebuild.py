"""Give this host's guests new disks from another image: first beside the old ones, then in their place."""

from typing import Any

from nova.compute.guests import Guests, able
from nova.compute.images import ImageCache, source_of
from nova.domain.guest import Guest
from nova.domain.lifecycle import Power
from nova.virt import driver


class Rebuilds:
    """Until `replace`, the guest runs on as if nothing were done."""

    def __init__(self, hypervisor: Any, guests: Guests, images: ImageCache):
        self._hypervisor, self._guests, self._images = hypervisor, guests, images

    def prepare(self, guest: Guest) -> None:
        hypervisor = able(self._hypervisor, driver.Rebuild, 'rebuild guests')
        kept, source = source_of(self._images, guest)
        drive = self._guests.config_drives.files(guest)
        with self._guests.working_on(guest.id, 'prepared'):
            self._guests.unlock(guest)
            hypervisor.prepare_rebuild(kept, source, drive)

    def replace(self, guest: Guest) -> Power:
        hypervisor = able(self._hypervisor, driver.Rebuild, 'rebuild guests')
        kept, _source = source_of(self._images, guest)
        with self._guests.working_on(guest.id, 'rebuilt') as noted:
            power = noted(hypervisor.replace_disks(kept))
        # The image that its former disks lay on may go.
        self._images.settle(guest.id, guest.image)
        return power

    def discard(self, server_id: str) -> None:
        with self._guests.working_on(server_id, 'left as they were'):
            able(self._hypervisor, driver.Rebuild, 'rebuild guests').discard_rebuild(server_id)
