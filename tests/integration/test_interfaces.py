"""Plug network cards into real guests, and unplug them; the guests say what they have."""

import dataclasses
import re
import uuid

import pytest

from nova import errors
from nova.domain.lifecycle import Power
from nova.domain.network import Port
from tests.integration import hosts
from tests.integration.real_guests import NEEDS_A_HOST, TALK, drive, no_image, said, until

pytestmark = NEEDS_A_HOST


@pytest.fixture(scope='module')
def settings(settings):
    """Of a host that soon gives up guests that do not let go."""
    return dataclasses.replace(settings, detach_attempts=1, detach_timeout=3)


def another_port(made, number):
    """The guest with one more port, and that port."""
    mac = f'fa:16:3e:00:01:{number:02x}'
    port = Port(str(uuid.uuid4()), mac, made.ports[0].network, vif_type='bridge')
    return dataclasses.replace(made, ports=(*made.ports, port)), port


def cards(driver, made):
    """The hardware addresses that the guest has seen last."""
    return re.findall(r'ALIVE up=\d+ cards=(\S*) nmi=', said(driver, made))[-1].split(',')


def record(host, made, *which):
    return host.virsh('dumpxml', *which, made.name)


def test_a_card_comes_and_goes_while_the_guest_runs(driver, host, talking):
    guest = talking
    larger, port = another_port(guest, 1)
    for _time in range(2):
        driver.attach_interface(larger, port)
        driver.describe_network(larger)
    until(lambda: port.mac in cards(driver, guest), lambda: said(driver, guest)[-500:])
    for which in ((), ('--inactive',)):
        xml = record(host, guest, *which)
        assert xml.count(port.mac) == 1
        assert f'uuid="{port.id}"' in xml.replace("'", '"')
    shown = host.run('ip', '-o', 'link', 'show', 'master', hosts.BRIDGE).stdout
    assert port.devname in shown
    assert 'mtu 1400' in next(line for line in shown.splitlines() if port.devname in line)
    for _time in range(2):
        driver.detach_interface(guest.id, port.id)
        assert port.mac not in record(host, guest) + record(host, guest, '--inactive')
    until(lambda: port.mac not in cards(driver, guest), lambda: said(driver, guest)[-500:])
    assert port.devname not in host.run('ip', '-o', 'link').stdout
    assert guest.ports[0].mac in cards(driver, guest)


def test_a_guest_that_is_off_has_it_when_it_starts(driver, host, unborn):
    driver.stop(unborn.id, 0)
    larger, port = another_port(unborn, 2)
    driver.attach_interface(larger, port)
    assert record(host, unborn).count(port.mac) == 1
    driver.ensure(larger, no_image, drive(TALK))
    assert record(host, unborn).count(port.mac) == 1
    driver.stop(unborn.id, 0)
    driver.detach_interface(unborn.id, port.id)
    assert port.mac not in record(host, unborn)


def test_a_guest_that_is_paused_is_not_asked_and_keeps_its_card(driver, host, unborn):
    port = unborn.ports[0]
    driver.pause(unborn.id)
    with pytest.raises(errors.Conflict, match='is paused'):
        driver.detach_interface(unborn.id, port.id)
    assert port.mac in record(host, unborn)
    assert port.mac in record(host, unborn, '--inactive')
    assert driver.observe(unborn.id).power is Power.PAUSED


def test_a_guest_that_is_still_starting_lets_go_when_it_is_asked_again(driver_with, host, unborn):
    port = unborn.ports[0]
    driver_with(detach_attempts=60, detach_timeout=1).detach_interface(unborn.id, port.id)
    assert port.mac not in record(host, unborn) + record(host, unborn, '--inactive')


def test_a_card_whose_bridge_is_missing_is_refused_and_leaves_nothing(driver, host, unborn):
    larger, port = another_port(unborn, 3)
    nowhere = dataclasses.replace(port, network=dataclasses.replace(port.network, bridge='br-nowhere'))
    with pytest.raises(errors.HostFailed, match='br-nowhere'):
        driver.attach_interface(larger, nowhere)
    driver.detach_interface(unborn.id, port.id)
    assert port.mac not in record(host, unborn) + record(host, unborn, '--inactive')


def test_a_guest_that_is_not_there_has_no_cards(driver, unborn):
    with pytest.raises(errors.NotFound):
        driver.detach_interface(str(uuid.uuid4()), unborn.ports[0].id)
