"""Plug network interfaces into domains, and unplug them."""

import time
from collections.abc import Callable
from xml.etree import ElementTree

from nova import errors
from nova.domain.guest import Guest
from nova.domain.guest_limits import limits_of
from nova.domain.lifecycle import Power
from nova.domain.network import Port, device_name
from nova.virt.libvirt import limits
from nova.virt.libvirt.connection import Connection
from nova.virt.libvirt.domain_xml import server_facts
from nova.virt.libvirt.domain_xml.element import write
from nova.virt.libvirt.domain_xml.interfaces import Cards, interface
from nova.virt.libvirt.domain_xml.wishes import wishes_of
from nova.virt.libvirt.settings import Settings

# How often a guest that has to let go of a device is looked at.
LOOK = 0.1
# In these nothing in the guest answers.
HELD = frozenset({Power.PAUSED, Power.SUSPENDED})


class Interfaces:
    """The settings say how often a guest is asked to let go of a device, and for how many seconds each time."""

    def __init__(self, connection: Connection, settings: Settings):
        self._connection, self._settings = connection, settings
        self._attempts, self._patience = settings.detach_attempts, settings.detach_timeout

    def attach(self, guest: Guest, port: Port) -> None:
        flavor, cards = guest.server.flavor, Cards.of(self._settings)
        xml = write(interface(port, flavor.vcpus, wishes_of(guest), cards, limits_of(flavor.extra_specs)))
        with limits.explaining(guest):
            self._connection.plug(guest.id, xml, lambda domain: find(domain, port.devname) is not None)

    def detach(self, guest_id: str, port_id: str) -> None:
        """Out of the running guest first: what does not let go stays in its record, too.

        A system that does not listen yet never learns that it was asked, and lets go when it is asked again. One that is
        held would let go as soon as it goes on, when nobody expects that any more: it is not asked.
        """

        def device(domain: str) -> str | None:
            return find(domain, device_name(port_id))

        self._refuse_held(guest_id, port_id, device)
        for _attempt in range(self._attempts):
            if not self._connection.unplug(guest_id, device):
                break
            if self._lets_go(guest_id, device):
                break
        else:
            waited = self._attempts * self._patience
            raise errors.Conflict(
                f'Guest {guest_id} has not let go of port {port_id} within {waited:.0f} seconds. Its system may still be '
                'starting, or have no hot plug: detach the port again later, or while the server is stopped.'
            )
        self._connection.unplug_from_record(guest_id, device)

    def describe(self, guest: Guest) -> None:
        facts = server_facts.facts(guest, self._settings.version)
        self._connection.describe(guest.id, write(facts), server_facts.NAMESPACE)

    def _refuse_held(self, guest_id: str, port_id: str, device: Callable[[str], str | None]) -> None:
        known = self._connection.power(guest_id)
        if known is None or known[1] not in HELD:
            return
        xml = self._connection.live_xml(guest_id)
        if xml is not None and device(xml) is not None:
            raise errors.Conflict(
                f'Guest {guest_id} is paused, so it cannot let go of port {port_id}: detach the port once the server '
                'runs again, or while it is stopped.'
            )

    def _lets_go(self, guest_id: str, device: Callable[[str], str | None]) -> bool:
        until = time.monotonic() + self._patience
        while time.monotonic() < until:
            xml = self._connection.live_xml(guest_id)
            if xml is None or device(xml) is None:
                return True
            time.sleep(LOOK)
        return False


def find(domain: str, devname: str) -> str | None:
    """The description of an interface in that of its domain, by the name of its device on the host."""
    for found in ElementTree.fromstring(domain).iterfind('devices/interface'):
        target = found.find('target')
        if target is not None and target.get('dev') == devname:
            return ElementTree.tostring(found, encoding='unicode')
    return None
