"""Plug network interfaces into this host's guests, and unplug them."""

from typing import Any

from nova import errors
from nova.compute.guests import Guests, able
from nova.domain.guest import Guest
from nova.virt import driver


class Interfaces:
    def __init__(self, hypervisor: Any, guests: Guests):
        self._hypervisor, self._guests = hypervisor, guests

    def attach(self, guest: Guest, port_id: str) -> None:
        hypervisor = self._able()
        port = next((port for port in guest.ports if port.id == port_id), None)
        if port is None:
            raise errors.NotFound(f'Guest {guest.id} does not have port {port_id}.')
        with self._guests.working_on(guest.id, 'interfaces attached'):
            hypervisor.attach_interface(guest, port)
            hypervisor.describe_network(guest)

    def detach(self, server_id: str, port_id: str) -> None:
        hypervisor = self._able()
        with self._guests.working_on(server_id, 'interfaces detached'):
            hypervisor.detach_interface(server_id, port_id)

    def describe(self, guest: Guest) -> None:
        hypervisor = self._able()
        with self._guests.working_on(guest.id, 'networks described'):
            hypervisor.describe_network(guest)

    def _able(self) -> driver.Interfaces:
        return able(self._hypervisor, driver.Interfaces, 'change the interfaces of guests')
