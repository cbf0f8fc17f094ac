"""The calls on one server: who may use them, what they change, and what they answer."""

import dataclasses
import hashlib

import pytest

from nova.db.stores import console_tokens, mappings, operations, servers
from nova.domain.lifecycle import Activity, State
from tests.unit.api.servers.world import CELL_ID, IMAGE_ID, NOW, PORT

UNKNOWN = '00000000-0000-4000-8000-00000000dead'
CALLS = [
    ('GET', '', None),
    ('PUT', '', {'server': {'name': 'x'}}),
    ('DELETE', '', None),
    ('POST', '/action', {'os-getConsoleOutput': {}}),
    ('POST', '/remote-consoles', {'remote_console': {'protocol': 'vnc', 'type': 'novnc'}}),
    ('GET', '/ips', None),
    ('GET', '/ips/private', None),
    ('GET', '/metadata', None),
    ('GET', '/metadata/a', None),
    ('POST', '/metadata', {'metadata': {'a': 'b'}}),
    ('PUT', '/metadata', {'metadata': {'a': 'b'}}),
    ('PUT', '/metadata/a', {'meta': {'a': 'b'}}),
    ('DELETE', '/metadata/a', None),
    ('GET', '/tags', None),
    ('PUT', '/tags', {'tags': ['a']}),
    ('GET', '/tags/a', None),
    ('PUT', '/tags/a', None),
    ('DELETE', '/tags/a', None),
    ('DELETE', '/tags', None),
    ('GET', '/os-interface', None),
    ('GET', f'/os-interface/{PORT.id}', None),
    ('GET', '/os-volume_attachments', None),
    ('GET', f'/os-volume_attachments/{UNKNOWN}', None),
    ('GET', '/os-instance-actions', None),
    ('GET', '/os-instance-actions/req-1', None),
]


@pytest.mark.parametrize(('method', 'path', 'body'), CALLS)
def test_foreign_and_unknown_servers_cannot_be_told_apart(world, method, path, body):
    server = world.server()
    for server_id in (server.id, UNKNOWN):
        answer = world.fault(method, f'/servers/{server_id}{path}', body, '2.93', 'stranger')
        assert answer == (404, f'Instance {server_id} could not be found.')
    with world.databases.cell(CELL_ID).reading() as tx:
        found = servers.get(tx, server.id)
    assert (found.name, found.metadata, found.tags) == (server.name, server.metadata, ())


@pytest.mark.parametrize(('method', 'path', 'body'), [call for call in CALLS if call[0] != 'GET'])
def test_readers_change_nothing(world, method, path, body):
    server = world.server()
    assert world.fault(method, f'/servers/{server.id}{path}', body, '2.93', 'reader')[0] == 403


def test_delete_is_recorded_and_told(world):
    server = world.server()
    assert world.request('DELETE', f'/servers/{server.id}').status_int == 204
    with world.databases.cell(CELL_ID).reading() as tx:
        row = operations.get(tx, world.bus.sent[0])
    assert (row.verb, row.server_id) == ('delete', server.id)
    shown = world.get(f'/servers/{server.id}')['server']
    assert shown['OS-EXT-STS:task_state'] == 'deleting'
    assert world.request('DELETE', f'/servers/{server.id}').status_int == 204
    assert len(world.bus.sent) == 1


@pytest.mark.parametrize('value', [None, '', {}])
def test_force_delete_is_delete(world, value):
    server = world.server()
    world.send('POST', f'/servers/{server.id}/action', {'forceDelete': value}, status=202)
    assert world.get(f'/servers/{server.id}')['server']['OS-EXT-STS:task_state'] == 'deleting'
    assert world.fault('POST', f'/servers/{CELL_ID}/action', {'forceDelete': value})[0] == 404


def test_a_deleted_server_is_not_found(world):
    server = world.server(state=State.DELETED)
    with world.databases.api.writing() as tx:
        mappings.queue_for_delete(tx, server.id)
    for method in ('GET', 'DELETE'):
        assert world.fault(method, f'/servers/{server.id}')[0] == 404
    assert world.get(f'/servers/{server.id}/os-instance-actions', '2.21') == {'instanceActions': []}
    assert world.fault('GET', f'/servers/{server.id}/os-instance-actions', version='2.20')[0] == 404


def test_a_locked_server_is_not_deleted_by_its_user(world):
    server = world.server(locked=True)
    assert world.fault('DELETE', f'/servers/{server.id}') == (409, f'Instance {server.id} is locked')
    assert world.request('DELETE', f'/servers/{server.id}', token='admin').status_int == 204


def test_update_changes_what_is_named(world):
    server = world.server(description='old')
    body = {'name': 'Größe', 'accessIPv4': '', 'description': None, 'hostname': 'new', 'OS-DCF:diskConfig': 'AUTO'}
    shown = world.send('PUT', f'/servers/{server.id}', {'server': body}, '2.90', status=200)['server']
    again = world.get(f'/servers/{server.id}', '2.90')['server']
    assert {**shown, 'updated': None} == {**again, 'updated': None}
    assert (again['name'], again['accessIPv4'], again['accessIPv6']) == ('Größe', '', '80fe::')
    assert (again['description'], again['OS-EXT-SRV-ATTR:hostname']) == (None, 'new')
    assert again['OS-DCF:diskConfig'] == 'AUTO'


@pytest.mark.parametrize(
    ('version', 'body'),
    [
        ('2.18', {'description': 'x'}),
        ('2.89', {'hostname': 'x'}),
        ('2.93', {'name': ''}),
        ('2.93', {'name': 'x' * 256}),
        ('2.93', {'accessIPv4': 'x'}),
        ('2.93', {'flavorRef': '1'}),
    ],
)
def test_update_refuses_other_things(world, version, body):
    server = world.server()
    assert world.fault('PUT', f'/servers/{server.id}', {'server': body}, version)[0] == 400


def test_a_server_that_is_being_placed_cannot_be_changed(world):
    body = {'server': {'name': 'a', 'imageRef': IMAGE_ID, 'flavorRef': '1', 'networks': 'none'}}
    server_id = world.send('POST', '/servers', body, '2.93')['server']['id']
    assert world.fault('PUT', f'/servers/{server_id}', {'server': {'name': 'b'}})[0] == 409


@pytest.mark.parametrize(
    ('service', 'shown'),
    [
        ({}, 'UP'),
        ({'enabled': False}, 'MAINTENANCE'),
        ({'forced_down': True}, 'DOWN'),
        (None, 'UNKNOWN'),
    ],
)
def test_administrators_see_how_the_host_is(world, service, shown):
    server = world.server()
    if service is not None:
        world.host(**service)
    path = f'/servers/{server.id}'
    assert world.get(path, '2.16', 'admin')['server']['host_status'] == shown
    assert world.get('/servers/detail?all_tenants=1', '2.16', 'admin')['servers'][0]['host_status'] == shown
    assert 'host_status' not in world.get(path, '2.15', 'admin')['server']
    assert 'host_status' not in world.get(path, '2.16')['server']


class TestConsole:
    def output(self, world, server, **body):
        answer = world.send('POST', f'/servers/{server.id}/action', {'os-getConsoleOutput': body}, status=200)
        return answer['output'].split('\n')

    def test_the_last_lines_or_all(self, world):
        server = world.server()
        assert len(self.output(world, server)) == 3
        assert len(self.output(world, server, length=None)) == 3
        assert len(self.output(world, server, length=-1)) == 3
        assert self.output(world, server, length='1') == ['LAST LINE']

    @pytest.mark.parametrize('fields', [{'state': State.BUILDING, 'activity': Activity.SPAWNING}, {'host': None}])
    def test_a_server_without_a_guest_is_not_ready(self, world, fields):
        server = world.server(**fields)
        body = {'os-getConsoleOutput': {}}
        answer = world.fault('POST', f'/servers/{server.id}/action', body)
        assert answer == (409, f'Instance {server.id} is not ready')
        body = {'remote_console': {'protocol': 'vnc', 'type': 'novnc'}}
        assert world.fault('POST', f'/servers/{server.id}/remote-consoles', body, '2.6')[0] == 409

    def test_the_token_of_an_address_is_kept_as_a_hash(self, world):
        server = world.server()
        body = {'remote_console': {'protocol': 'vnc', 'type': 'novnc'}}
        url = world.send('POST', f'/servers/{server.id}/remote-consoles', body, '2.6')['remote_console']['url']
        base, token = url.split('?path=%3Ftoken%3D')
        assert base == 'http://127.0.0.1:6080/vnc_auto.html'
        hashed = hashlib.sha256(token.encode()).hexdigest()
        with world.databases.cell(CELL_ID).reading() as tx:
            grant = console_tokens.authorize(tx, hashed, NOW)
            assert console_tokens.authorize(tx, token, NOW) is None
        assert (grant.server_id, grant.address.host, grant.address.port) == (server.id, '10.0.0.9', 5900)
        assert (grant.expires_at - NOW).total_seconds() == 600

    @pytest.mark.parametrize(
        ('protocol', 'kind'),
        [('spice', 'spice-html5'), ('serial', 'serial'), ('rdp', 'rdp-html5'), ('mks', 'webmks'), ('vnc', 'xvpvnc')],
    )
    def test_other_consoles_are_refused(self, world, protocol, kind):
        server = world.server()
        body = {'remote_console': {'protocol': protocol, 'type': kind}}
        answer = world.fault('POST', f'/servers/{server.id}/remote-consoles', body, '2.8')
        assert answer == (400, f'Unavailable console type {kind}.')

    @pytest.mark.parametrize(
        ('version', 'protocol', 'kind'), [('2.7', 'mks', 'webmks'), ('2.8', 'vnc', 'serial'), ('2.8', 'none', 'novnc')]
    )
    def test_what_does_not_exist_is_refused(self, world, version, protocol, kind):
        server = world.server()
        body = {'remote_console': {'protocol': protocol, 'type': kind}}
        assert world.fault('POST', f'/servers/{server.id}/remote-consoles', body, version)[0] == 400

    def test_the_old_call_ends_where_the_new_one_begins(self, world):
        server = world.server()
        old, new = {'os-getVNCConsole': {'type': 'novnc'}}, {'remote_console': {'protocol': 'vnc', 'type': 'novnc'}}
        assert world.request('POST', f'/servers/{server.id}/action', old, '2.5').status_int == 200
        assert world.request('POST', f'/servers/{server.id}/action', old, '2.6').status_int == 404
        assert world.request('POST', f'/servers/{server.id}/remote-consoles', new, '2.5').status_int == 404


class TestMetadata:
    def test_items_come_and_go(self, world):
        server = world.server(metadata={'a': '1'})
        path = f'/servers/{server.id}/metadata'
        assert world.send('POST', path, {'metadata': {'b': 'ü'}}, status=200) == {'metadata': {'a': '1', 'b': 'ü'}}
        assert world.send('PUT', f'{path}/a', {'meta': {'a': '2'}}, status=200) == {'meta': {'a': '2'}}
        assert world.get(path) == {'metadata': {'a': '2', 'b': 'ü'}}
        assert world.get(f'{path}/b') == {'meta': {'b': 'ü'}}
        assert world.request('DELETE', f'{path}/b').status_int == 204
        assert world.fault('GET', f'{path}/b') == (404, 'Metadata item was not found')
        assert world.fault('DELETE', f'{path}/b')[0] == 404
        assert world.send('PUT', path, {'metadata': {}}, status=200) == {'metadata': {}}

    @pytest.mark.parametrize(
        ('method', 'path', 'body', 'status'),
        [
            ('PUT', '/a', {'meta': {'b': '1'}}, 400),
            ('PUT', '/a', {'meta': {'a': '1', 'b': '2'}}, 400),
            ('PUT', '/a', {'meta': {}}, 400),
            ('POST', '', {'metadata': {'a': 'x' * 256}}, 400),
            ('POST', '', {'metadata': {'a': 1}}, 400),
            ('POST', '', {'metadata': {f'k{number}': '' for number in range(129)}}, 403),
        ],
    )
    def test_limits(self, world, method, path, body, status):
        server = world.server(metadata={'a': '1'})
        assert world.fault(method, f'/servers/{server.id}/metadata{path}', body)[0] == status
        assert world.get(f'/servers/{server.id}/metadata') == {'metadata': {'a': '1'}}


class TestTags:
    def test_tags_come_and_go(self, world):
        server = world.server()
        path = f'/servers/{server.id}/tags'
        assert world.send('PUT', path, {'tags': ['b', 'ä']}, '2.26', status=200) == {'tags': ['b', 'ä']}
        first = world.request('PUT', f'{path}/c', version='2.26')
        assert first.status_int == 201
        assert first.headers['Location'].endswith(f'{path}/c')
        assert world.request('PUT', f'{path}/c', version='2.26').status_int == 204
        assert world.request('GET', f'{path}/c', version='2.26').status_int == 204
        assert world.request('DELETE', f'{path}/b', version='2.26').status_int == 204
        assert world.get(path, '2.26') == {'tags': ['c', 'ä']}
        assert world.request('GET', f'{path}/b', version='2.26').status_int == 404
        assert world.request('DELETE', f'{path}/b', version='2.26').status_int == 404
        assert world.request('DELETE', path, version='2.26').status_int == 204
        assert world.get(path, '2.26') == {'tags': []}

    def test_limits(self, world):
        server = world.server()
        path = f'/servers/{server.id}/tags'
        assert world.fault('PUT', f'{path}/{"x" * 61}', version='2.26')[0] == 400
        assert world.fault('PUT', f'{path}/a,b', version='2.26')[0] == 400
        assert world.fault('PUT', path, {'tags': [str(number) for number in range(51)]}, '2.26')[0] == 400
        world.send('PUT', path, {'tags': [str(number) for number in range(50)]}, '2.26', status=200)
        assert world.fault('PUT', f'{path}/more', version='2.26')[0] == 400
        assert world.request('GET', path, version='2.25').status_int == 404


def test_addresses_show_floating_ones_with_whole_views_only(world):
    port = dataclasses.replace(PORT, floating_ips=('203.0.113.9',))
    server = world.server(ports=(port,))
    shown = world.get(f'/servers/{server.id}')['server']['addresses']['private']
    assert [(entry['addr'], entry['OS-EXT-IPS:type']) for entry in shown] == [
        ('192.168.1.30', 'fixed'),
        ('203.0.113.9', 'floating'),
    ]
    assert world.get(f'/servers/{server.id}/ips')['addresses']['private'][1] == {'version': 4, 'addr': '203.0.113.9'}
    assert world.fault('GET', f'/servers/{server.id}/ips/other')[0] == 404


def test_actions_tell_of_the_creation(world):
    body = {'server': {'name': 'a', 'imageRef': IMAGE_ID, 'flavorRef': '1', 'networks': 'none'}}
    answer = world.request('POST', '/servers', body, '2.93')
    path = f'/servers/{answer.json["server"]["id"]}/os-instance-actions'
    (action,) = world.get(path, '2.93')['instanceActions']
    assert (action['action'], action['request_id']) == ('create', answer.headers['X-Openstack-Request-Id'])
    assert world.get(f'{path}/{action["request_id"]}', '2.51')['instanceAction']['events'] == []
    assert 'events' not in world.get(f'{path}/{action["request_id"]}', '2.50')['instanceAction']
    assert world.fault('GET', f'{path}/req-unknown')[0] == 404
    assert world.get(f'{path}?changes-since=2040-01-01', '2.58') == {'instanceActions': []}
    assert world.fault('GET', f'{path}?changes-since=nonsense', version='2.58')[0] == 400
    assert world.fault('GET', f'{path}?nonsense=1', version='2.58')[0] == 400
