"""Give this host's guests disks of other sizes, and keep the old ones until their users have decided."""

from typing import Any

from nova.compute.guests import Guests, able
from nova.domain.guest import Guest
from nova.virt import driver

_WHAT = 'resize guests'


class Resizes:
    """The guests are off meanwhile; to stop and to start them is asked for by itself."""

    def __init__(self, hypervisor: Any, guests: Guests):
        self._hypervisor, self._guests = hypervisor, guests

    def resize(self, guest: Guest) -> None:
        hypervisor = able(self._hypervisor, driver.Resize, _WHAT)
        with self._guests.working_on(guest.id, 'resized'):
            hypervisor.resize_disks(guest)

    def restore(self, server_id: str) -> None:
        hypervisor = able(self._hypervisor, driver.Resize, _WHAT)
        with self._guests.working_on(server_id, 'reverted'):
            hypervisor.restore_disks(server_id)

    def forget(self, server_id: str) -> None:
        hypervisor = able(self._hypervisor, driver.Resize, _WHAT)
        with self._guests.working_on(server_id, 'confirmed'):
            hypervisor.forget_old_disks(server_id)
