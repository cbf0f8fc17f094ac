"""Have this host's guests run from a rescue image, with their own disks beside; and go back."""

from typing import Any

from nova import errors
from nova.clients.image import ImageClient
from nova.compute.guests import Guests, able
from nova.compute.images import ImageCache, source_of
from nova.context import admin_context
from nova.domain.guest import Guest
from nova.domain.image import Image
from nova.domain.lifecycle import Power
from nova.virt import driver


class Rescues:
    """`image_id` is the image that the operator offers where a user names none; without, the guest's own is taken."""

    def __init__(
        self,
        hypervisor: Any,
        guests: Guests,
        images: ImageCache,
        glance: ImageClient | None = None,
        image_id: str | None = None,
        shutdown_timeout: float = 60.0,
    ):
        self._hypervisor, self._guests, self._images = hypervisor, guests, images
        self._glance, self._image_id, self._shutdown_timeout = glance, image_id, shutdown_timeout

    def rescue(self, guest: Guest, image: Image | None, timeout: float | None) -> Power:
        hypervisor = able(self._hypervisor, driver.Rescue, 'rescue guests')
        image = image or self._offered() or guest.image
        if image is None:
            raise errors.Invalid(f'Guest {guest.id} has no image to be rescued from; name one.')
        kept, source = source_of(self._images, guest, image)
        drive = self._guests.config_drives.files(guest)
        grace = self._shutdown_timeout if timeout is None else timeout
        with self._guests.working_on(guest.id, 'rescued') as noted:
            self._guests.unlock(guest)
            return noted(hypervisor.rescue(guest_as_kept(self._images, guest), kept.image, source, drive, grace))

    def unrescue(self, guest: Guest, start: bool) -> Power:
        hypervisor = able(self._hypervisor, driver.Rescue, 'rescue guests')
        with self._guests.working_on(guest.id, 'unrescued') as noted:
            self._guests.unlock(guest)
            power = noted(hypervisor.unrescue(guest_as_kept(self._images, guest)))
        self._images.settle(guest.id, guest.image)
        return self._guests.ensure(guest) if start else power

    def _offered(self) -> Image | None:
        return self._glance.get(admin_context(), self._image_id) if self._glance and self._image_id else None


def guest_as_kept(images: ImageCache, guest: Guest) -> Guest:
    return source_of(images, guest)[0]
