"""Floating addresses on a real machine: guests are reached by them, and known by them outside."""

import subprocess

import pytest

from tests.integration.test_network import (
    ALICE,
    CommandFailed,
    eventually,
    in_namespace,
    machine,
    metadata,
    pytestmark,
    run,
    tells_peer,
)

__all__ = ('machine', 'metadata', 'pytestmark')


@pytest.fixture
def guest(machine):
    made = machine.add_guest(machine.add_network('10.44.0.0/24'), 'web-1')
    made.boot()
    return made


@pytest.fixture
def floating(machine, guest):
    """A floating address of the guest. The world outside has a way to its network."""
    public = machine.add_network('203.0.113.0/29', **{'router:external': True})
    run('ip', '-n', machine.outside, 'route', 'add', '203.0.113.0/29', 'via', '192.0.2.1')
    body = {'floating_network_id': public, 'port_id': guest.port.id, 'project_id': ALICE.project_id}
    return machine.api('POST', 'floatingips', {'floatingip': body})['floatingip']


def reaches(who, address):
    try:
        who('busybox', 'ping', '-c', '1', '-W', '1', address)
    except CommandFailed:
        return False
    return True


def test_a_guest_is_reached_and_known_by_its_floating_address(machine, guest, floating):
    address = floating['floating_ip_address']

    def outside(*command):
        return in_namespace(machine.outside, *command)

    def host(*command):
        return in_namespace(machine.name, *command)

    assert eventually(lambda: reaches(outside, address))
    assert reaches(host, address)
    with tells_peer(machine.outside):
        assert guest('busybox', 'nc', '192.0.2.2', '8080', stdin=subprocess.DEVNULL) == address
    machine.api('PUT', f'floatingips/{floating["id"]}', {'floatingip': {'port_id': None}})
    assert eventually(lambda: not reaches(outside, address))
    with tells_peer(machine.outside):
        assert guest('busybox', 'nc', '192.0.2.2', '8080', stdin=subprocess.DEVNULL) == '192.0.2.1'


def test_other_guests_reach_it_by_its_floating_address_only(machine, guest, floating):
    neighbour = machine.add_guest(guest.port.network.id, 'db-1')
    stranger = machine.add_guest(machine.add_network('10.45.0.0/24'), 'far')
    for other in (neighbour, stranger):
        other.boot()
        assert eventually(lambda other=other: reaches(other, floating['floating_ip_address']))
    assert not reaches(stranger, guest.port.addresses[0])
