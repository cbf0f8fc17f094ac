"""Real guests, made by the libvirt driver on a libvirtd and a QEMU of the test's own."""

import dataclasses
import queue

import pytest

from nova import errors
from nova.domain.flavor import Flavor
from nova.domain.guest import Observed
from nova.domain.lifecycle import Power
from nova.virt.libvirt.driver import LibvirtDriver
from tests.integration import hosts
from tests.integration.real_guests import EVENT_TIMEOUT, NEEDS_A_HOST, a_guest, drive, no_image, wait_for_words

pytestmark = NEEDS_A_HOST

USER_DATA = b'#!/bin/sh\necho I run in the guest\n'
DRIVE = drive(USER_DATA)
RFB_GREETING = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) as peer:
    print(peer.recv(12).decode(), end='')
"""


@pytest.fixture(scope='module')
def guest(driver, image, news):
    """A guest that has booted, for tests that look at it."""
    made = a_guest(1)
    assert driver.ensure(made, image, DRIVE) is Power.RUNNING
    yield made
    driver.remove(made.id, made.name)


@pytest.fixture
def short_lived(driver, image, news):
    """A guest of the test's own, which does not wait for its boot."""
    made = a_guest(2)
    driver.ensure(made, image, None)
    yield made
    driver.remove(made.id, made.name)


def test_a_guest_boots_and_finds_its_data(driver, guest):
    said = wait_for_words(driver, guest, b'GUEST-READY')
    assert 'GUEST-META source=configdrive:/dev/sr0' in said
    assert 'GUEST-HOSTNAME guest-of-the-test' in said
    assert 'GUEST-KEY mine=ssh-ed25519 AAAA' in said
    assert 'I run in the guest' in said
    assert f'{guest.ports[0].mac} mtu=1400' in said
    assert len(driver.output(guest.id, 3).splitlines()) == 3


def test_making_it_again_changes_nothing(driver, host, guest):
    before = host.virsh('domid', guest.name)
    assert driver.ensure(guest, no_image, DRIVE) is Power.RUNNING
    assert host.virsh('domid', guest.name) == before


def test_its_screen_answers(driver, host, guest):
    address = driver.address(guest.id, 'novnc')
    greeting = host.run('python3', '-c', RFB_GREETING, address.host, str(address.port)).stdout
    assert greeting.startswith('RFB 003.')


def test_it_is_listed_as_ours(driver, guest):
    assert Observed(guest.id, guest.name, Power.RUNNING) in driver.list()
    assert guest.id in driver.leftovers()


def test_its_network_card_is_on_the_bridge(host, guest):
    shown = host.run('ip', '-o', 'link', 'show', 'master', hosts.BRIDGE).stdout
    assert guest.ports[0].devname in shown
    assert 'mtu 1400' in shown


def test_a_libvirtd_that_restarts_is_found_again(driver, host, guest, told):
    host.restart_libvirtd()
    assert driver.observe(guest.id) == Observed(guest.id, guest.name, Power.RUNNING)
    assert driver.report().trouble is None
    host.virsh('suspend', guest.name)
    assert told.get(timeout=EVENT_TIMEOUT) == (guest.id, Power.PAUSED)
    assert driver.ensure(guest, no_image, None) is Power.RUNNING
    assert driver.observe(guest.id).power is Power.RUNNING


def test_a_guest_that_somebody_destroys_is_told(driver, host, short_lived, told):
    host.virsh('destroy', short_lived.name)
    assert told.get(timeout=EVENT_TIMEOUT) == (short_lived.id, Power.SHUTDOWN)
    assert driver.ensure(short_lived, no_image, None) is Power.RUNNING
    host.virsh('destroy', short_lived.name)
    host.virsh('undefine', short_lived.name)
    events = [told.get(timeout=EVENT_TIMEOUT)]
    if events[-1][1] is not None:
        events.append(told.get(timeout=EVENT_TIMEOUT))
    assert events[-1] == (short_lived.id, None)
    assert driver.observe(short_lived.id) is None
    assert driver.leftovers().count(short_lived.id) == 1


def test_removing_leaves_nothing_and_is_not_told(driver, host, short_lived, told):
    for _time in range(2):
        driver.remove(short_lived.id, short_lived.name)
        assert driver.observe(short_lived.id) is None
        assert short_lived.name not in host.virsh('list', '--all', '--name').split()
        assert not [path for path in host.instances.iterdir() if short_lived.id in path.name]
        assert short_lived.ports[0].devname not in host.run('ip', '-o', 'link').stdout
        assert short_lived.id not in driver.leftovers()
    with pytest.raises(errors.NotFound):
        driver.output(short_lived.id)
    with pytest.raises(queue.Empty):
        told.get(timeout=1)


def test_a_guest_whose_bridge_is_missing_fails_the_host_and_can_be_removed(driver, host, image):
    made = a_guest(3)
    network = dataclasses.replace(made.ports[0].network, bridge='br-nowhere')
    made = dataclasses.replace(made, ports=(dataclasses.replace(made.ports[0], network=network),))
    with pytest.raises(errors.HostFailed, match='br-nowhere'):
        driver.ensure(made, image, None)
    driver.remove(made.id, made.name)
    assert made.id not in driver.leftovers()


def test_other_kinds_of_machine_and_disk_boot_too(settings, image):
    settings = dataclasses.replace(settings, disk_format='raw', config_drive_format='vfat')
    driver = LibvirtDriver(settings)
    flavor = Flavor('2', 'm1.other', vcpus=2, memory_mb=160, disk_gb=0, ephemeral_gb=1, swap_mb=16)
    made = a_guest(4, flavor, hw_machine_type='q35', hw_qemu_guest_agent='yes', hw_watchdog_action='none')
    try:
        driver.ensure(made, image, DRIVE)
        said = wait_for_words(driver, made, b'GUEST-READY')
        assert 'GUEST-META source=configdrive:/dev/vdd' in said
        assert 'cpus=2' in said
    finally:
        driver.remove(made.id, made.name)
        driver.close()


def test_the_host_reports_what_it_is(driver):
    report = driver.report()
    assert report.trouble is None
    assert report.hypervisor_version > 2_000_000
    assert ('x86_64', 'qemu', 'hvm') in report.supported_instances
    assert {'COMPUTE_NODE', 'COMPUTE_STORAGE_BUS_VIRTIO', 'HW_CPU_X86_SSE2', 'HW_ARCH_X86_64'} <= set(report.traits)
