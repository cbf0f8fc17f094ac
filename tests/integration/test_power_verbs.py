"""Switch real guests off and on, hold them, and interrupt them; what they say of themselves is asked."""

import os
import queue
import re
import shutil
import signal
import time

import pytest

from nova.domain.lifecycle import Power
from nova.virt.libvirt.driver import LibvirtDriver
from nova.virt.libvirt.settings import Settings
from tests.integration import hosts
from tests.integration.test_libvirt_driver import (
    BOOT_TIMEOUT,
    EVENT_TIMEOUT,
    META_DATA,
    a_guest,
    no_image,
)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(hosts.missing() is not None, reason=str(hosts.missing())),
]

# Says every second for how long it is up, what network cards it has, and how many interrupts that cannot be masked it got.
ALIVE = rb"""#!/bin/sh
( while sleep 1; do
    cards=$(cat /sys/class/net/*/address | tr '\n' ,)
    nmi=$(grep NMI: /proc/interrupts | tr -s ' ' | cut -d' ' -f2)
    echo "ALIVE up=$(cut -d. -f1 /proc/uptime) cards=$cards nmi=$nmi"
done ) &
"""
DRIVE = {'openstack/latest/meta_data.json': META_DATA, 'openstack/latest/user_data': ALIVE}


@pytest.fixture(scope='module')
def image(request):
    path = hosts.guest_image(request.config.cache.mkdir('guest-image'))
    return lambda _image: str(path)


@pytest.fixture(scope='module')
def host(request, tmp_path_factory):
    root = tmp_path_factory.mktemp('host')
    with hosts.running('power-test', root, 1, request.config.cache.mkdir('qemu-capabilities')) as running:
        yield running
    shutil.rmtree(root)


@pytest.fixture(scope='module')
def settings(host):
    return Settings(
        host=host.name,
        node=host.name,
        instances_path=str(host.instances),
        connection_uri=host.uri,
        virt_type='qemu',
        version='1',
        detach_attempts=1,
        detach_timeout=3,
    )


@pytest.fixture(scope='module')
def driver(settings):
    made = LibvirtDriver(settings, settle=0.5)
    yield made
    made.close()


@pytest.fixture(scope='module')
def told(driver):
    heard = queue.Queue()
    driver.listen(lambda *what: heard.put(what))
    return heard


@pytest.fixture
def guest(driver, image, told):
    """A guest that has booted."""
    made = a_guest(1)
    driver.ensure(made, image, DRIVE)
    until(lambda: uptimes(driver, made), lambda: said(driver, made))
    yield made
    driver.remove(made.id, made.name)


@pytest.fixture
def unborn(driver, image, told):
    """A guest whose system does not listen yet."""
    made = a_guest(2)
    driver.ensure(made, image, None)
    yield made
    driver.remove(made.id, made.name)


def said(driver, guest):
    return driver.output(guest.id).decode(errors='replace')


def uptimes(driver, guest):
    return [int(seconds) for seconds in re.findall(r'ALIVE up=(\d+)', said(driver, guest))]


def until(holds, what, patience=BOOT_TIMEOUT):
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


def heard(told, guest, patience):
    """What is told next of the guest."""
    while True:
        guest_id, power = told.get(timeout=patience)
        if guest_id == guest.id:
            return power


def goes_on(driver, guest):
    """Wait until the guest says something more; for how long it is up then."""
    before = len(uptimes(driver, guest))
    until(lambda: len(uptimes(driver, guest)) > before, lambda: said(driver, guest)[-500:])
    return uptimes(driver, guest)[-1]


def test_a_system_that_listens_shuts_itself_down_and_starts_anew(driver, guest, told):
    assert driver.stop(guest.id, BOOT_TIMEOUT) is Power.SHUTDOWN
    assert driver.observe(guest.id).power is Power.SHUTDOWN
    assert 'Power down' in said(driver, guest)
    assert driver.stop(guest.id, 5) is Power.SHUTDOWN
    boots = said(driver, guest).count('GUEST-UP')
    assert driver.ensure(guest, no_image, DRIVE) is Power.RUNNING
    until(lambda: said(driver, guest).count('GUEST-UP') != boots, lambda: said(driver, guest)[-500:])
    with pytest.raises(queue.Empty):
        told.get(timeout=1)


def test_a_system_that_does_not_listen_is_cut_off(driver, unborn):
    began = time.monotonic()
    assert driver.stop(unborn.id, 1) is Power.SHUTDOWN
    assert time.monotonic() - began >= 1
    assert driver.observe(unborn.id).power is Power.SHUTDOWN
    assert driver.ensure(unborn, no_image, None) is Power.RUNNING
    assert driver.stop(unborn.id, 0) is Power.SHUTDOWN


def test_a_guest_that_is_held_stands_still_and_goes_on(driver, guest):
    assert driver.pause(guest.id) is driver.pause(guest.id) is Power.PAUSED
    assert driver.observe(guest.id).power is Power.PAUSED
    before = uptimes(driver, guest)[-1]
    assert driver.unpause(guest.id) is driver.unpause(guest.id) is Power.RUNNING
    assert goes_on(driver, guest) >= before


def test_a_suspended_guest_goes_on_where_it_was(driver, guest):
    before = uptimes(driver, guest)[-1]
    assert driver.suspend(guest.id) is driver.suspend(guest.id) is Power.SHUTDOWN
    assert driver.observe(guest.id).power is Power.SHUTDOWN
    assert driver.ensure(guest, no_image, DRIVE) is Power.RUNNING
    assert goes_on(driver, guest) >= before
    # Its log begins anew when it does; its system has not.
    assert 'GUEST-UP' not in said(driver, guest)


def test_an_interrupt_that_cannot_be_masked_arrives(driver, guest):
    driver.crash_dump(guest.id)
    until(lambda: re.search(r'nmi=[1-9]|NMI received', said(driver, guest)), lambda: said(driver, guest)[-500:])
    assert driver.observe(guest.id).power is Power.RUNNING


def test_a_guest_whose_process_dies_has_crashed(driver, host, unborn, told):
    pid = int((host.root / 'run' / 'qemu' / f'{unborn.name}.pid').read_text())
    os.kill(pid, signal.SIGKILL)
    assert heard(told, unborn, EVENT_TIMEOUT) is Power.CRASHED
    assert driver.observe(unborn.id).power is Power.CRASHED
    assert (unborn.id, Power.CRASHED) in {(seen.id, seen.power) for seen in driver.list()}
    assert driver.ensure(unborn, no_image, None) is Power.RUNNING


def test_a_system_that_shuts_down_by_itself_is_told(driver, host, guest, told):
    host.virsh('shutdown', guest.name)
    assert heard(told, guest, BOOT_TIMEOUT) is Power.SHUTDOWN
