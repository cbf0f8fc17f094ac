"""Conductors die and parts go away: what was asked for is done all the same, or refused in a sentence."""

import pytest

from tests.functional.client import body_of

CREATING = {
    'seeking a host': lambda cloud: (cloud.placement, 'request'),
    'making ports': lambda cloud: (cloud.network, 'ensure_ports'),
    'making the guest': lambda cloud: (cloud.hosts['h1'].driver, 'ensure'),
}
DELETING = {
    'removing the guest': lambda cloud: (cloud.hosts['h1'].driver, 'remove'),
    'releasing ports': lambda cloud: (cloud.network, 'release_ports'),
    'releasing room': lambda cloud: (cloud.placement, 'request'),
}


@pytest.fixture
def one_host(make_cloud):
    cloud = make_cloud(host_names=('h1',))
    cloud.network.add_network('demo')
    return cloud


def die(cloud, gate, before):
    """Kill the conductor that stands before the gate: its call is never made, or is made and its result lost."""
    gate.wait()
    cloud.kill_conductor()
    if before:
        gate.turn_away()
    else:
        gate.open()
    cloud.start_conductor()


# A call over the bus that was sent is carried out, whatever becomes of its sender.
OVER_THE_BUS = ('seeking a host', 'making the guest', 'removing the guest')
DEATHS = [
    (moment, before) for moments in (CREATING, DELETING) for moment in moments for before in (True, False)
    if not (before and moment in OVER_THE_BUS)
]  # fmt: skip


@pytest.mark.every_database
@pytest.mark.parametrize(('moment', 'before'), [death for death in DEATHS if death[0] in CREATING])
def test_a_conductor_dies_creating(one_host, moment, before):
    api = one_host.api()
    with one_host.paused(*CREATING[moment](one_host)) as gate:
        server_id = api.create(networks='auto')
        die(one_host, gate, before)
    assert api.wait(server_id)['status'] == 'ACTIVE'
    left = one_host.left()
    assert left['claims'] == left['guests']['h1'] == [server_id]
    assert len(left['ports']) == 1
    api.delete(f'/servers/{server_id}')
    assert one_host.left() == {}


@pytest.mark.parametrize(('moment', 'before'), [death for death in DEATHS if death[0] in DELETING])
def test_a_conductor_dies_deleting(one_host, moment, before):
    api = one_host.api()
    server_id = api.create(networks='auto')
    assert api.wait(server_id)['status'] == 'ACTIVE'
    with one_host.paused(*DELETING[moment](one_host)) as gate:
        api.delete(f'/servers/{server_id}')
        die(one_host, gate, before)
    assert api.wait(server_id) is None
    assert one_host.left() == {}


def test_a_conductor_that_stops_leaves_nothing_undone(cloud):
    api = cloud.api()
    ids = [api.create() for _number in range(5)]
    first, _life = cloud.conductors.pop(0)
    first.stop(10)
    cloud.start_conductor()
    assert {api.wait(server_id)['status'] for server_id in ids} == {'ACTIVE'}


def away(cloud, part):
    if part in ('placement', 'glance'):
        getattr(cloud, part).away = True
    elif part == 'scheduler':
        cloud.stop_scheduler()
    else:
        cloud.away.add(part)


def back(cloud, part):
    if part in ('placement', 'glance'):
        getattr(cloud, part).away = False
    elif part == 'scheduler':
        cloud.start_scheduler()
    else:
        cloud.away.discard(part)


@pytest.mark.parametrize('part', ['bus', 'scheduler', 'placement', 'network'])
def test_what_is_away_after_the_answer_is_waited_for(one_host, part):
    """Requests that need nothing of it are accepted, and done when it is back."""
    api = one_host.api()
    kept = api.create()
    assert api.wait(kept)['status'] == 'ACTIVE'
    with one_host.paused(one_host.placement, 'request') as gate:
        if part == 'network':
            made = api.create(networks='auto')
            gate.wait()
        away(one_host, part)
        if part != 'network':
            made = api.create()
    api.delete(f'/servers/{kept}')
    assert api.server(made)['status'] == 'BUILD'
    back(one_host, part)
    assert api.wait(made)['status'] == 'ACTIVE'
    assert api.wait(kept) is None
    assert one_host.left()['claims'] == [made]


@pytest.mark.parametrize(
    ('part', 'fields'),
    [('glance', {}), ('network', {'networks': 'auto'}), ('database', {})],
)
def test_what_a_request_cannot_do_without(one_host, part, fields):
    api, admin = one_host.api(), one_host.api('admin')
    away(one_host, part)
    code, message = api.fault('POST', '/servers', body_of(**fields), '2.37')
    assert (code, message) == (503, 'A part of the cloud does not answer just now. Try again later.')
    code, message = admin.fault('POST', '/servers', body_of(**fields), '2.37')
    assert code == 503
    assert part in message.lower(), 'administrators are told what is away'
    back(one_host, part)
    server_id = api.create(**fields)
    assert api.wait(server_id)['status'] == 'ACTIVE'
    assert len(one_host.left()['claims']) == 1, 'what was refused is not made'


@pytest.mark.parametrize('path', ['/servers', '/servers/detail', '/flavors/detail', '/os-keypairs', '/limits'])
def test_without_databases_nothing_can_be_read(one_host, path):
    one_host.away.add('database')
    code, message = one_host.api().fault('GET', path)
    assert code == 503
    assert message.endswith('.')


def test_operations_go_on_when_the_database_is_back(one_host):
    api = one_host.api()
    with one_host.paused(one_host.hosts['h1'].driver, 'ensure') as gate:
        server_id = api.create(networks='auto')
        gate.wait()
        one_host.away.add('database')
    one_host.until(lambda: one_host.hosts['h1'].service._guests.busy == 0)
    one_host.away.clear()
    assert api.wait(server_id)['status'] == 'ACTIVE'
    left = one_host.left()
    assert left['claims'] == left['guests']['h1'] == [server_id]


@pytest.mark.parametrize('part', ['bus', 'scheduler', 'placement', 'network', 'glance'])
def test_reading_needs_the_databases_only(one_host, part):
    api = one_host.api()
    server_id = api.create(networks='auto')
    assert api.wait(server_id)['status'] == 'ACTIVE'
    away(one_host, part)
    assert api.server(server_id)['status'] == 'ACTIVE'
    assert [found['id'] for found in api.get('/servers/detail')['servers']] == [server_id]
    back(one_host, part)


def test_a_host_that_is_down_is_left_for_another(cloud):
    cloud.stop_host('h1')
    admin = cloud.api('admin')
    ids = [cloud.api().create() for _number in range(3)]
    for server_id in ids:
        assert admin.wait(server_id)['status'] == 'ACTIVE'
        assert admin.server(server_id)['OS-EXT-SRV-ATTR:host'] == 'h2'
    assert sorted(cloud.left()['claims']) == sorted(ids)
