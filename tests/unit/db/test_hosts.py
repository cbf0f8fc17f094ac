"""What a cell keeps of its hosts: reports, services, guests, consoles."""

import dataclasses

import pytest

from nova import errors
from nova.db.stores import console_tokens, guests, hosts, servers, services
from nova.domain.guest import ConsoleAddress, ConsoleGrant
from nova.domain.host import Inventory
from nova.domain.lifecycle import State
from tests.unit.db.builders import ASTRAL, NOON, a_report, a_server, an_id, later


@pytest.fixture
def cell_tx(cell):
    with cell.writing() as connection:
        yield connection


def test_a_report_makes_a_host(cell_tx):
    report = a_report(host_ip='10.0.0.1', uptime='1 day', running_guests=2, trouble=ASTRAL, disk_available_least=3)
    hosts.report(cell_tx, report, NOON)
    host = hosts.get(cell_tx, 'h1', 'cell')
    for name in ('node', 'node_id', 'inventory', 'traits', 'supported_instances', 'cpu_info', 'host_ip', 'uptime'):
        assert getattr(host, name) == getattr(report, name), name
    assert (host.name, host.cell_id, host.running_guests, host.trouble) == ('h1', 'cell', 2, ASTRAL)
    assert (host.enabled, host.forced_down, host.seen_at) == (True, False, NOON)
    service = services.find(cell_tx, 'h1', 'nova-compute')
    assert (host.service_id, host.service_uuid) == (service.id, service.uuid)
    assert hosts.by_node_id(cell_tx, report.node_id, 'cell') == host


def test_a_later_report_replaces_the_first(cell_tx):
    hosts.report(cell_tx, a_report(), NOON)
    before = hosts.get(cell_tx, 'h1')
    hosts.report(cell_tx, a_report(inventory=Inventory(16, 1, 1), node_id=an_id(5)), later(9))
    after = hosts.get(cell_tx, 'h1')
    assert (after.inventory, after.node_id, after.seen_at) == (Inventory(16, 1, 1), an_id(5), later(9))
    assert after.number == before.number


def test_two_hosts_with_one_id_are_refused(cell_tx):
    hosts.report(cell_tx, a_report('h1', node_id=an_id(1)), NOON)
    with pytest.raises(errors.Conflict, match='compute_id'):
        hosts.report(cell_tx, a_report('h2', node_id=an_id(1)), NOON)


def test_a_sign_of_life_is_for_hosts_that_are_known(cell_tx):
    assert not hosts.alive(cell_tx, 'h1', NOON)
    services.alive(cell_tx, 'h1', 'nova-compute', 'compute', at=NOON)
    assert not hosts.alive(cell_tx, 'h1', later(1))
    hosts.report(cell_tx, a_report(), later(2))
    assert hosts.alive(cell_tx, 'h1', later(3))
    assert hosts.get(cell_tx, 'h1').seen_at == later(3)
    assert hosts.seen(cell_tx) == {'h1': later(3)}


def test_room_is_what_living_servers_take(cell_tx):
    hosts.report(cell_tx, a_report('h1'), NOON)
    hosts.report(cell_tx, a_report('h2'), NOON)
    for number, fields in enumerate(
        ({'host': 'h1'}, {'host': 'h1', 'state': State.ERROR}, {'host': 'h1', 'state': State.DELETED}, {}), 1
    ):
        servers.create(cell_tx, a_server(number, **fields))
    # Swap is rounded up to whole GB: 3 + 1 + 2.
    assert hosts.claimed(cell_tx) == {'h1': (4, 1024, 12, 2)}
    one, two = hosts.listing(cell_tx, 'cell')
    assert (one.claimed_vcpus, one.claimed_memory_mb, one.claimed_disk_gb, one.servers) == (4, 1024, 12, 2)
    assert (two.name, two.claimed_vcpus, two.servers) == ('h2', 0, 0)
    assert hosts.get(cell_tx, 'h1', 'cell') == one


def test_reading_all_hosts_costs_two_statements(cell):
    with cell.writing() as cell_tx:
        for number in range(5):
            hosts.report(cell_tx, a_report(f'h{number}'), NOON)
        before = cell.statements.value
        assert len(hosts.listing(cell_tx, 'cell')) == 5
        assert cell.statements.value - before == 2


@pytest.mark.parametrize(
    ('change', 'found'),
    [
        (lambda cell_tx: None, []),
        (lambda cell_tx: hosts.report(cell_tx, a_report('h1'), later(20)), ['h1']),
        (lambda cell_tx: hosts.alive(cell_tx, 'h2', later(20)), ['h2']),
        (
            lambda cell_tx: services.change(cell_tx, services.find(cell_tx, 'h1', 'nova-compute').id, enabled=False),
            ['h1'],
        ),
    ],
)
def test_only_hosts_that_changed_are_read_again(cell_tx, change, found):
    # What `services.change` notes is the present, which is before NOON.
    since = later(10) if found != ['h1'] else NOON.replace(year=2020)
    at = NOON if found != ['h1'] else NOON.replace(year=2019)
    hosts.report(cell_tx, a_report('h1'), at)
    hosts.report(cell_tx, a_report('h2'), at)
    change(cell_tx)
    assert [host.name for host in hosts.changed_since(cell_tx, 'cell', since)] == found


def test_an_unknown_host_is_not_found(cell_tx):
    with pytest.raises(errors.NotFound):
        hosts.get(cell_tx, 'h1')
    assert hosts.by_node_id(cell_tx, an_id(1)) is None


def test_services_are_made_once_and_seen_often(cell_tx):
    services.alive(cell_tx, 'c1', 'nova-conductor', 'conductor', 1, NOON)
    first = services.find(cell_tx, 'c1', 'nova-conductor')
    services.alive(cell_tx, 'c1', 'nova-conductor', 'conductor', 2, later(5))
    again = services.find(cell_tx, 'c1', 'nova-conductor')
    assert again == dataclasses.replace(first, version=2, seen_at=later(5))
    assert services.get(cell_tx, first.id) == services.get(cell_tx, first.uuid) == again
    services.alive(cell_tx, 'c2', 'nova-conductor', 'conductor', 1, NOON)
    services.alive(cell_tx, 'c1', 'nova-scheduler', 'scheduler', 1, NOON)
    assert [service.host for service in services.listing(cell_tx, 'cell', binary='nova-conductor')] == ['c1', 'c2']
    assert [service.binary for service in services.listing(cell_tx, host='c1')] == ['nova-conductor', 'nova-scheduler']
    assert {service.cell_id for service in services.listing(cell_tx, 'cell')} == {'cell'}


def test_services_can_be_disabled_and_forced_down(cell_tx):
    hosts.report(cell_tx, a_report(), NOON)
    service = services.find(cell_tx, 'h1', 'nova-compute')
    services.change(cell_tx, service.id, enabled=False, disabled_reason=ASTRAL, forced_down=True)
    host = hosts.get(cell_tx, 'h1')
    assert (host.enabled, host.disabled_reason, host.forced_down) == (False, ASTRAL, True)
    services.change(cell_tx, service.uuid, enabled=True)
    assert services.get(cell_tx, service.id).disabled_reason is None
    hosts.report(cell_tx, a_report(), later(5))
    assert services.get(cell_tx, service.id).forced_down


def test_a_removed_compute_takes_its_host_with_it(cell_tx):
    hosts.report(cell_tx, a_report(), NOON)
    services.remove(cell_tx, services.find(cell_tx, 'h1', 'nova-compute').uuid)
    assert hosts.names(cell_tx) == []
    assert not hosts.alive(cell_tx, 'h1', NOON)
    hosts.report(cell_tx, a_report(), NOON)
    assert hosts.names(cell_tx) == ['h1']
    hosts.remove(cell_tx, 'h1')
    assert services.listing(cell_tx) == []


@pytest.mark.parametrize(
    'change', [services.get, services.remove, lambda cell_tx, which: services.change(cell_tx, which, enabled=True)]
)
@pytest.mark.parametrize('which', [77, an_id(77)])
def test_unknown_services_are_not_found(cell_tx, change, which):
    with pytest.raises(errors.NotFound):
        change(cell_tx, which)


def test_a_host_is_told_which_guests_it_should_have(cell_tx):
    for number, state in enumerate((State.ACTIVE, State.BUILDING, State.DELETED, State.ACTIVE), 1):
        servers.create(cell_tx, a_server(number, state=state, host='h1'))
        guests.record(cell_tx, an_id(number), 'h1', 'n')
        guests.record(cell_tx, an_id(number), 'h1', 'n')
    guests.record(cell_tx, an_id(1), 'h2', 'n')
    guests.abandon(cell_tx, an_id(4), 'h1', 'instance-4')
    assert sorted(guests.expected(cell_tx, 'h1')) == [(an_id(1), State.ACTIVE), (an_id(2), State.BUILDING)]
    assert sorted(guests.of_server(cell_tx, an_id(1))) == ['h1', 'h2']
    guests.remove(cell_tx, an_id(1), 'h1')
    assert guests.of_server(cell_tx, an_id(1)) == ['h2']


def test_an_abandoned_guest_waits_for_its_host(cell_tx):
    guests.record(cell_tx, an_id(1), 'h1', 'n')
    guests.abandon(cell_tx, an_id(1), 'h1', 'instance-1')
    guests.abandon(cell_tx, an_id(2), 'h2', 'instance-2')
    guests.remove(cell_tx, an_id(1))
    (first, second) = sorted(guests.abandoned(cell_tx), key=lambda guest: guest.host)
    assert (first.server_id, first.host, first.name, first.host_seen_at) == (an_id(1), 'h1', 'instance-1', None)
    hosts.report(cell_tx, a_report('h1'), NOON)
    hosts.report(cell_tx, a_report('h2'), NOON.replace(year=2020))
    first, second = sorted(guests.abandoned(cell_tx), key=lambda guest: guest.host)
    assert (first.host_seen_at, second.host_seen_at) == (NOON, None)
    guests.remove(cell_tx, an_id(1), 'h1')
    assert [guest.host for guest in guests.abandoned(cell_tx)] == ['h2']


GRANT = ConsoleGrant(an_id(1), ConsoleAddress('novnc', '10.0.0.1', 5900, path='/x'), 'http://proxy/', later(60))


@pytest.mark.parametrize(('token', 'at', 'opens'), [('hash', 59, True), ('hash', 60, False), ('other', 0, False)])
def test_a_token_opens_one_console_for_a_while(cell_tx, token, at, opens):
    console_tokens.create(cell_tx, 'hash', GRANT)
    assert console_tokens.authorize(cell_tx, token, later(at)) == (GRANT if opens else None)


def test_tokens_end(cell_tx):
    console_tokens.create(cell_tx, 'a', GRANT)
    console_tokens.create(cell_tx, 'b', dataclasses.replace(GRANT, expires_at=later(90)))
    assert console_tokens.expire(cell_tx, later(60)) == 1
    console_tokens.remove(cell_tx, an_id(1))
    assert console_tokens.authorize(cell_tx, 'b', NOON) is None
