import pytest

from nova.db.stores import guests
from nova.domain.cell import CELL0_ID
from nova.domain.external_event import ExternalEvent
from nova.domain.lifecycle import State
from tests.unit.api.servers.world import CELL_ID

PATH = '/os-server-external-events'
RUNS = '00000000-0000-4000-8000-000000000001'
NOWHERE = '00000000-0000-4000-8000-000000000002'
DELETED = '00000000-0000-4000-8000-000000000003'
FAILED = '00000000-0000-4000-8000-000000000004'
UNKNOWN = '00000000-0000-4000-8000-000000000099'


@pytest.fixture
def servers(cloud):
    cloud.server(1)
    cloud.server(2, host=None, node=None, state=State.SHELVED_OFFLOADED)
    cloud.server(3, state=State.DELETED)
    cloud.server(4, CELL0_ID, host=None, node=None, state=State.ERROR)
    return cloud


def event(name='network-changed', server_id=RUNS, **fields):
    return {'name': name, 'server_uuid': server_id, **fields}


def tell(cloud, *events, version='2.93', token='service'):
    return cloud.request('POST', PATH, {'events': list(events)}, version, token)


def test_the_answer_tells_what_became_of_each_event(servers):
    answer = tell(servers, event(tag='p'), event(server_id=NOWHERE), event(server_id=UNKNOWN), event(server_id=FAILED))
    assert answer.status_int == 207
    assert answer.json['events'] == [
        event(tag='p', status='completed', code=200),
        event(server_id=NOWHERE, status='failed', code=422),
        event(server_id=UNKNOWN, status='failed', code=404),
        event(server_id=FAILED, status='failed', code=422),
    ]


@pytest.mark.parametrize('server_id', [UNKNOWN, DELETED, NOWHERE])
def test_events_that_concern_nobody_are_404(servers, server_id):
    answer = tell(servers, event(server_id=server_id))
    assert (answer.status_int, answer.json['itemNotFound']['message']) == (404, 'No instances found for any event')
    assert servers.bus.events == []


@pytest.mark.parametrize(
    ('name', 'since', 'tag'),
    [
        ('network-changed', '2.1', None),
        ('network-vif-plugged', '2.1', 'port'),
        ('network-vif-unplugged', '2.1', 'port'),
        ('network-vif-deleted', '2.1', 'port'),
        ('volume-extended', '2.51', 'volume'),
        ('power-update', '2.76', 'POWER_OFF'),
        ('accelerator-request-bound', '2.82', 'request'),
        ('volume-reimaged', '2.93', 'volume'),
    ],
)
def test_a_name_is_known_since_its_version(servers, name, since, tag):
    asked = event(name, **({'tag': tag} if tag else {}))
    assert tell(servers, asked, version=since).status_int == 200
    assert tell(servers, asked, version='2.96').status_int == 200
    if since != '2.1':
        before = f'2.{int(since.partition(".")[2]) - 1}'
        assert tell(servers, asked, version=before).status_int == 400


@pytest.mark.parametrize(
    ('name', 'tag'),
    [
        ('volume-extended', {}),
        ('accelerator-request-bound', {}),
        ('volume-reimaged', {}),
        ('power-update', {}),
        ('power-update', {'tag': 'PERHAPS'}),
    ],
)
def test_an_event_must_say_what_it_is_about(servers, name, tag):
    answer = tell(servers, event(name, **tag), event())
    assert answer.status_int == 207
    assert [(shown['code'], shown['status']) for shown in answer.json['events']] == [
        (400, 'failed'),
        (200, 'completed'),
    ]


@pytest.mark.parametrize(
    'events',
    [
        [],
        [event('nonsense')],
        [event(server_id='x')],
        [event(status='perhaps')],
        [event(more=1)],
        [{'name': 'network-changed'}],
        [event(tag='x' * 256)],
    ],
)
def test_wrong_events_are_refused(servers, events):
    assert tell(servers, *events).status_int == 400


def test_what_is_about_ports_goes_to_conductors_and_the_rest_to_hosts_in_one_message_each(servers):
    servers.server(5)
    fifth = RUNS.replace('1', '5')
    extended = [event('volume-extended', server_id, tag='v', status='completed') for server_id in (RUNS, fifth)]
    plugged = event('network-vif-plugged', tag='p')
    assert tell(servers, event(), event('network-vif-deleted', tag='q'), *extended, plugged).status_int == 200
    assert servers.bus.events == [
        (
            None,
            (
                ExternalEvent('network-changed', RUNS),
                ExternalEvent('network-vif-deleted', RUNS, tag='q'),
                ExternalEvent('network-vif-plugged', RUNS, tag='p'),
            ),
        ),
        (
            'compute',
            (ExternalEvent('volume-extended', RUNS, tag='v'), ExternalEvent('volume-extended', fifth, tag='v')),
        ),
    ]


def test_a_server_that_moves_is_told_at_both_ends(servers):
    with servers.databases.cell(CELL_ID).writing() as tx:
        for host in ('compute', 'second'):
            guests.record(tx, RUNS, host, 'node')
    tell(servers, event('volume-extended', tag='v'))
    assert sorted(host for host, _events in servers.bus.events) == ['compute', 'second']


@pytest.mark.parametrize(('token', 'status'), [('service', 200), ('admin', 200), ('manager', 403), ('member', 403)])
def test_who_may(servers, token, status):
    assert tell(servers, event(), token=token).status_int == status


def test_the_number_of_statements_does_not_grow_with_the_events(servers):
    def cost(count):
        before = servers.databases.statements.value
        tell(servers, *(event(server_id=f'00000000-0000-4000-8000-{number:012}') for number in range(1, count + 1)))
        return servers.databases.statements.value - before

    cost(1)
    few = cost(1)
    for number in range(5, 12):
        servers.server(number)
    assert cost(11) == few + 1  # cell0 is asked, too
