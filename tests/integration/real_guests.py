"""Guests of the real driver for tests to act on, and what they say on their serial consoles. Fixtures are in conftest.py."""

import re
import time
import uuid

import pytest

from nova.domain.flavor import Flavor
from nova.domain.guest import Guest
from nova.domain.image import Image
from nova.domain.lifecycle import State
from nova.domain.network import Network, Port
from nova.domain.server import Server
from nova.virt.libvirt.driver import LibvirtDriver
from tests.integration import hosts

# For a module's `pytestmark`: tools/test runs these tests in a process of their own, beside the others.
NEEDS_A_HOST = [
    pytest.mark.integration,
    pytest.mark.real_guest,
    # Each wait in them has a bound of its own.
    pytest.mark.timeout(900),
    pytest.mark.skipif(hosts.missing() is not None, reason=str(hosts.missing())),
]
# Emulated guests boot in seconds on an idle machine, and take their time on a busy one.
BOOT_TIMEOUT = 240.0
EVENT_TIMEOUT = 30.0
SMALL = Flavor('1', 'm1.nano', vcpus=1, memory_mb=128, disk_gb=1)
# Says every second for how long it is up, what network cards it has, and how many interrupts that cannot be masked it got.
TALK = rb"""#!/bin/sh
( while sleep 1; do
    cards=$(cat /sys/class/net/*/address | tr '\n' ,)
    nmi=$(grep NMI: /proc/interrupts | tr -s ' ' | cut -d' ' -f2)
    echo "ALIVE up=$(cut -d. -f1 /proc/uptime) cards=$cards nmi=$nmi"
done ) &
"""
META_DATA = b'{"hostname": "guest-of-the-test", "public_keys": {"mine": "ssh-ed25519 AAAA"}}'


def a_guest(number: int, flavor: Flavor = SMALL, **properties) -> Guest:
    """A small guest with one network card; `properties` are those of its image."""
    network = Network(str(uuid.uuid4()), 'private', mtu=1400, bridge=hosts.BRIDGE)
    port = Port(str(uuid.uuid4()), f'fa:16:3e:00:00:{number:02x}', network, vif_type='bridge')
    server = Server(str(uuid.uuid4()), 'Ünï <&>', 'guest', 'a-project', 'a-user', flavor, State.BUILDING)
    image = Image(str(uuid.uuid4()), 'tiny', disk_format='qcow2', properties=properties)
    return Guest(f'instance-{number:08x}', server, image, (port,))


def drive(user_data: bytes, meta_data: bytes = META_DATA) -> dict[str, bytes]:
    """What is on a config drive."""
    return {'openstack/latest/meta_data.json': meta_data, 'openstack/latest/user_data': user_data}


def no_image(_image):
    raise AssertionError('the image was asked for')


def said(driver: LibvirtDriver, guest: Guest) -> str:
    return driver.output(guest.id).decode(errors='replace')


def wait_for_words(driver: LibvirtDriver, guest: Guest, words: str | bytes, patience: float = BOOT_TIMEOUT) -> str:
    """All that the guest has said, once these words are among it."""
    wanted = words.decode() if isinstance(words, bytes) else words
    until(lambda: wanted in said(driver, guest), lambda: f'{wanted!r} is not in {said(driver, guest)!r}', patience)
    return said(driver, guest)


def until(holds, what=lambda: 'it did not come to pass', patience: float = BOOT_TIMEOUT):
    """Wait until something holds, and give what it is; `what` says what is wrong otherwise."""
    deadline = time.monotonic() + patience
    while not (found := holds()):
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)
    return found


def uptimes(driver: LibvirtDriver, guest: Guest) -> list[int]:
    """For how many seconds a guest that talks says that it is up, each time."""
    return [int(seconds) for seconds in re.findall(r'ALIVE up=(\d+)', said(driver, guest))]


def goes_on(driver: LibvirtDriver, guest: Guest) -> int:
    """Wait until a guest that talks says something more; for how long it is up then."""
    before = len(uptimes(driver, guest))
    until(lambda: len(uptimes(driver, guest)) > before, lambda: said(driver, guest)[-500:])
    return uptimes(driver, guest)[-1]
