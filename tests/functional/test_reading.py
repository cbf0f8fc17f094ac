"""What users read of servers that daemons have made: lists of all cells, groups, figures, and what was done."""

import pytest

from nova.api.resources.servers import filters
from nova.db.stores import mappings, servers
from nova.domain.lifecycle import State
from nova.domain.queries import ServerQuery
from tests.functional.reach import ReachableDatabase


def names(api, query='', version='2.96'):
    return [server['name'] for server in api.get(f'/servers?{query}', version)['servers']]


@pytest.mark.every_database
def test_lists_of_all_cells_are_one(cloud):
    """One server runs, one never found a host and is in cell0; pages and filters do not care."""
    api = cloud.api()
    for name, flavor in (('web-1', 'small'), ('db', 'huge'), ('web-2', 'small')):
        api.create(name=name, flavorRef=flavor)
    cloud.settle()
    assert sorted(names(api)) == ['db', 'web-1', 'web-2']
    assert names(api, 'sort_key=display_name&sort_dir=asc') == ['db', 'web-1', 'web-2']
    assert names(api, 'status=ERROR') == ['db']
    for key in filters.SORT_KEYS:
        # Both lists are put together from cells, each in its own way.
        query = f'all_tenants=1&sort_key={key}&sort_dir=asc'
        whole = [server['name'] for server in cloud.api('owner').get(f'/servers/detail?{query}', '2.96')['servers']]
        assert names(cloud.api('owner'), query) == whole
    assert names(api, 'name=^web-[0-9]%2B$&sort_key=display_name&sort_dir=desc') == ['web-2', 'web-1']
    seen, query = [], 'limit=1&sort_key=vm_state&sort_dir=asc'
    while query:
        page = api.get(f'/servers?{query}', '2.96')
        seen += [server['name'] for server in page['servers']]
        query = page['servers_links'][0]['href'].partition('?')[2] if 'servers_links' in page else ''
    assert sorted(seen) == ['db', 'web-1', 'web-2']
    assert seen[-1] == 'db', 'active comes before error'


@pytest.mark.every_database
@pytest.mark.parametrize(
    'query',
    [
        'name=%5B%5B:alpha:%5D',
        'name=a%7B,5%7D',
        'name=%5C',
        'name=a%7B1001%7D',
        'name=%5Cp%7BL%7D',
        'ip=%5Cd%5Cw%5CB',
        'name=a**',
        'name=%00',
        'tags=%00',
        'user_id=%F0%9F%9A%80',
        'marker=%00',
        'progress=-99999999999',
        'launch_index=1e9',
        'uuid=,,,',
        'metadata=%7B%22a%22:%22%5Cu0000%22%7D',
        'changes-since=0001-01-01',
        'changes-since=0001-01-01T00:00:00%2B14:00',
        'created_at=9999-12-31T23:59:59.999999',
    ],
)
def test_what_a_database_may_not_bear_is_no_bug(cloud, query):
    assert cloud.api('owner').ask('GET', f'/servers/detail?all_tenants=1&{query}', version='2.96').status_int in (
        200,
        400,
    )


@pytest.mark.every_database
@pytest.mark.parametrize(('method', 'path', 'body'), [
    ('POST', 'metadata', {'metadata': {'a': '\0'}}),
    ('PUT', 'tags', {'tags': ['\0']}),
    ('PUT', 'tags/%00', None),
    ('GET', 'metadata/%00', None),
])  # fmt: skip
def test_null_characters_are_no_bug(cloud, method, path, body):
    api = cloud.api()
    server_id = api.create()
    api.wait(server_id)
    assert api.ask(method, f'/servers/{server_id}/{path}', body, '2.96').status_int < 500


@pytest.mark.every_database
def test_metadata_and_tags_change_piece_by_piece(cloud):
    api = cloud.api()
    server_id = api.create(metadata={'a': '1', 'b': '2'})
    assert api.wait(server_id)['status'] == 'ACTIVE'
    path = f'/servers/{server_id}'
    api.post(f'{path}/metadata', {'metadata': {'b': '3', 'c': '4'}}, status=200)
    api.delete(f'{path}/metadata/a')
    assert api.get(f'{path}/metadata') == {'metadata': {'b': '3', 'c': '4'}}
    api.put(f'{path}/tags', {'tags': ['x', 'y']}, '2.26')
    api.put(f'{path}/tags/z', None, '2.26', status=201)
    api.put(f'{path}/tags/z', None, '2.26', status=204)
    api.delete(f'{path}/tags/x', '2.26')
    assert api.get(f'{path}/tags', '2.26') == {'tags': ['y', 'z']}


@pytest.mark.every_database
def test_every_filter_is_known_to_every_database(cloud):
    cloud.api().create(name='web')
    cloud.settle()
    with cloud.databases.own.reading() as tx:
        (server,) = servers.listing(tx, ServerQuery())
        moment = server.created_at
        wanted = ServerQuery(
            project_id='demo',
            name='^w.*b$',
            phases=((State.ACTIVE, (None,)),),
            created=(moment, moment.replace(year=9000)),
            soft_deleted=False,
            sort=(('locked', 'desc'), ('launched_at', 'asc')),
        )
        assert [found.id for found in servers.listing(tx, wanted)] == [server.id]
        assert servers.listing(tx, ServerQuery(image_properties={'kernel_id': 'a_b%c'})) == []
        assert servers.listing(tx, ServerQuery(deleted=True, soft_deleted=True)) == []
    with cloud.databases.api.reading() as tx:
        cell_id = mappings.find(tx, server.id).cell_id
        assert list(mappings.of_cells(tx, [cell_id], 'demo', 10)) == [server.id]
        found = mappings.of_cells(tx, [cell_id], None, 10, (moment.replace(year=9000), 'x'))
        assert list(found) == [server.id]


def test_security_groups_are_shown_by_name(cloud):
    cloud.network.add_network('demo')
    group = cloud.network.add_security_group('demo', 'web')
    api = cloud.api()
    by_id = api.create(networks='auto', security_groups=[{'name': group.id}])
    by_default = api.create(networks='auto')
    none = api.create()
    shown = [api.wait(server_id).get('security_groups') for server_id in (by_id, by_default, none)]
    assert shown == [[{'name': 'web'}], [{'name': 'default'}], None]
    groups = api.get(f'/servers/{by_id}/os-security-groups')['security_groups']
    assert [found['id'] for found in groups] == [group.id]


def test_figures_of_a_guest_come_from_its_host(cloud):
    api, admin = cloud.api(), cloud.api('admin')
    server_id = api.create()
    assert api.wait(server_id)['status'] == 'ACTIVE'
    path = f'/servers/{server_id}/diagnostics'
    assert admin.get(path, '2.48')['driver'] == 'fake'
    assert 'cpu0_time' in admin.get(path, '2.1')
    assert api.fault('GET', path, version='2.48')[0] == 403


def test_what_was_done_is_told_even_of_deleted_servers(cloud):
    api = cloud.api()
    server_id = api.create()
    api.wait(server_id)
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    cloud.settle()
    path = f'/servers/{server_id}/os-instance-actions'
    assert api.fault('GET', path, version='2.20')[0] == 404
    first, second = api.get(path, '2.58')['instanceActions']
    assert (first['action'], second['action']) == ('delete', 'create')
    page = api.get(f'{path}?limit=1', '2.58')
    assert [action['action'] for action in page['instanceActions']] == ['delete']
    rest = api.get(f'{path}?marker={first["request_id"]}', '2.58')['instanceActions']
    assert [action['action'] for action in rest] == ['create']
    shown = api.get(f'{path}/{second["request_id"]}', '2.84')['instanceAction']
    assert {event['result'] for event in shown['events']} == {'Success'}
    assert all('traceback' not in event for event in shown['events'])


def test_servers_of_a_cell_that_is_down_are_shown_in_part(cloud, monkeypatch):
    api = cloud.api()
    server_id = api.create(name='web')
    lost = api.create(name='lost', flavorRef='huge')
    cloud.settle()
    url = cloud.databases.own.url

    def refuse(database):
        if database.url == url:
            cloud.outside.require('cell1', 'The cell does not answer.')
        check(database)

    check = ReachableDatabase._check
    monkeypatch.setattr(ReachableDatabase, '_check', refuse)
    cloud.away.add('cell1')
    api = cloud.api(of=cloud.new_app())
    shown = {server['id']: server['status'] for server in api.get('/servers/detail', '2.69')['servers']}
    assert shown == {server_id: 'UNKNOWN', lost: 'ERROR'}
    assert [server['id'] for server in api.get('/servers/detail', '2.68')['servers']] == [lost]
    server = api.get(f'/servers/{server_id}', '2.69')['server']
    assert (server['status'], server['flavor']['original_name']) == ('UNKNOWN', 'm1.small')
    cloud.away.discard('cell1')
    assert api.server(server_id)['status'] == 'ACTIVE'
