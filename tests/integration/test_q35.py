"""Network cards for real guests of the machine type q35: each takes one of the PCIe ports that it started with."""

import dataclasses
import uuid
from xml.etree import ElementTree

import pytest

from nova import errors
from nova.domain.lifecycle import Power
from nova.domain.network import Port
from tests.integration.real_guests import NEEDS_A_HOST, a_guest, no_image, said, until, uptimes
from tests.integration.test_interfaces import another_port, cards
from tests.integration.test_power_verbs import DRIVE

pytestmark = NEEDS_A_HOST

PORTS = 12


@pytest.fixture(scope='module')
def settings(settings):
    return dataclasses.replace(settings, pcie_ports=PORTS)


@pytest.fixture
def started(driver, image):
    made = []

    def start(drive=None):
        # The kernel of the guest has no driver for this machine's own SATA.
        guest = a_guest(len(made) + 1, hw_machine_type='q35', hw_cdrom_bus='scsi')
        made.append(guest)
        assert driver.ensure(guest, image, drive) is Power.RUNNING
        return guest

    yield start
    for guest in made:
        driver.remove(guest.id, guest.name)


def devices(host, guest):
    return ElementTree.fromstring(host.virsh('dumpxml', guest.name)).find('devices')


def free_ports(host, guest):
    """How many of the guest's ports nothing is plugged into."""
    found = devices(host, guest)
    buses = {int(port.get('index')) for port in found.findall("controller[@model='pcie-root-port']")}
    taken = {int(address.get('bus'), 16) for address in found.findall("*/address[@type='pci']")}
    return len(buses - taken)


def with_another(guest, number):
    """The guest with one more port, and that port."""
    port = Port(str(uuid.uuid4()), f'fa:16:3e:00:35:{number:02x}', guest.ports[0].network, vif_type='bridge')
    return dataclasses.replace(guest, ports=(*guest.ports, port)), port


def test_a_card_comes_and_goes_more_than_once(driver, host, started):
    guest = started(DRIVE)
    until(lambda: uptimes(driver, guest), lambda: said(driver, guest))
    free = free_ports(host, guest)
    for number in range(1, 4):
        larger, port = another_port(guest, number)
        driver.attach_interface(larger, port)
        assert free_ports(host, guest) == free - 1
        until(lambda port=port: port.mac in cards(driver, guest), lambda: said(driver, guest)[-500:])
        driver.detach_interface(guest.id, port.id)
        assert free_ports(host, guest) == free
        until(lambda port=port: port.mac not in cards(driver, guest), lambda: said(driver, guest)[-500:])
    assert guest.ports[0].mac in cards(driver, guest)


def test_there_are_as_many_ports_as_the_operator_says_and_no_card_beyond_them(driver, host, started):
    guest = started()
    # Held, it lets go of nothing and takes what it is given.
    driver.pause(guest.id)
    assert len(devices(host, guest).findall("controller[@model='pcie-root-port']")) == PORTS
    free = free_ports(host, guest)
    assert free > 1
    larger = guest
    for number in range(free):
        larger, port = with_another(larger, number)
        driver.attach_interface(larger, port)
    assert free_ports(host, guest) == 0
    beyond, port = with_another(larger, free)
    with pytest.raises(errors.Conflict, match='has no PCI port left'):
        driver.attach_interface(beyond, port)
    for which in ((), ('--inactive',)):
        assert port.mac not in host.virsh('dumpxml', *which, guest.name)
    assert port.devname not in host.run('ip', '-o', 'link').stdout
    # A guest that is off gets as many as it needs.
    driver.stop(guest.id, 0)
    driver.attach_interface(beyond, port)
    assert driver.ensure(beyond, no_image, None) is Power.RUNNING
    assert port.mac in host.virsh('dumpxml', guest.name)
