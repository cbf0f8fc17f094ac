"""Have this host's guests run from a rescue image, with their own disks beside; and go back."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from nova import errors
from nova.clients.image import ImageClient
from nova.compute.guests import Guests, able
from nova.compute.images import ImageCache, source_of
from nova.context import admin_context
from nova.domain.guest import Guest
from nova.domain.image import Image
from nova.domain.lifecycle import Power, State
from nova.virt import driver


class Rescues:
    """`image_id` is the image that the operator offers where a user names none, to be started with the kernel and the ramdisk
    if they are given; without, the guest's own is taken."""

    def __init__(
        self,
        hypervisor: Any,
        guests: Guests,
        images: ImageCache,
        glance: ImageClient | None = None,
        image_id: str | None = None,
        shutdown_timeout: float = 60.0,
        kernel_id: str | None = None,
        ramdisk_id: str | None = None,
    ):
        self._hypervisor, self._guests, self._images = hypervisor, guests, images
        self._glance, self._image_id, self._shutdown_timeout = glance, image_id, shutdown_timeout
        self._starts_from = {'kernel_id': kernel_id, 'ramdisk_id': ramdisk_id}

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
            if guest.server.state is State.RESCUED:
                self._guests.unlock(guest)
            power = noted(hypervisor.unrescue(guest_as_kept(self._images, guest)))
        self._images.settle(guest.id, guest.image)
        return self._guests.ensure(guest) if start else power

    def _offered(self) -> Image | None:
        if not (self._glance and self._image_id):
            return None
        image = self._glance.get(admin_context(), self._image_id)
        return started_from(image, {name: given for name, given in self._starts_from.items() if given})


def started_from(image: Image, parts: Mapping[str, str]) -> Image:
    """The image with the kernel and the ramdisk that the operator names for it, which stand above its own."""
    return dataclasses.replace(image, properties={**image.properties, **parts})


def guest_as_kept(images: ImageCache, guest: Guest) -> Guest:
    return source_of(images, guest)[0]
