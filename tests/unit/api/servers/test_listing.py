"""Lists of servers: filters, order, pages, and several cells as one."""

import datetime
from urllib.parse import urlsplit

import pytest

from nova.db.stores import mappings, servers
from nova.domain.cell import CELL0_ID
from nova.domain.keypair import KeyPair
from nova.domain.lifecycle import Activity, Power, State
from nova.domain.server import Fault
from tests.unit.api.servers.world import CELL_ID, IMAGE_ID, NOW, World


@pytest.fixture
def several(world):
    """Four servers of two projects in two cells, and one that has no cell yet."""
    world.server(1, name='web-1', tags=('red', 'big'), metadata={'role': 'web'})
    world.server(2, name='web-2', tags=('red',), state=State.STOPPED, power=Power.SHUTDOWN, locked=True)
    world.server(3, name='db', project_id='other', user_id='bob', activity=Activity.DELETING)
    world.server(
        4, CELL0_ID, name='broken', state=State.ERROR, host=None, ports=(), keypair=KeyPair('k', 'alice', 'ssh', 'f')
    )
    return world


def names(world, query='', version='2.93', token='member', path='/servers/detail'):
    return [server['name'] for server in world.get(f'{path}?{query}', version, token)['servers']]


def test_newest_first_and_only_ones_own(several):
    assert names(several) == ['broken', 'web-2', 'web-1']
    assert names(several, token='stranger') == ['db']
    assert names(several, path='/servers') == ['broken', 'web-2', 'web-1']


def test_servers_without_a_cell_are_listed_among_the_others(several):
    body = {'server': {'name': 'fresh', 'imageRef': IMAGE_ID, 'flavorRef': '1', 'networks': 'none'}}
    several.send('POST', '/servers', body, '2.93', status=202)
    assert sorted(names(several)) == ['broken', 'fresh', 'web-1', 'web-2']
    assert names(several, 'sort_key=created_at&sort_dir=asc')[0] == 'fresh'
    assert names(several, 'status=BUILD') == ['fresh']


@pytest.mark.parametrize(
    ('query', 'expected'),
    [
        ('name=web', ['web-2', 'web-1']),
        ('name=^web-1$', ['web-1']),
        ('status=ACTIVE', ['web-1']),
        ('status=active&status=error', ['broken', 'web-1']),
        (f'image={IMAGE_ID}', ['broken', 'web-2', 'web-1']),
        ('image=none', []),
        ('flavor=1&limit=1', ['broken']),
        ('flavor=2', []),
        ('ip=192.168', ['web-2', 'web-1']),
        ('ip6=fe80', []),
        ('tags=red', ['web-2', 'web-1']),
        ('tags=red,big', ['web-1']),
        ('tags-any=big,none', ['web-1']),
        ('not-tags=red,big', ['broken', 'web-2']),
        ('not-tags-any=red', ['broken']),
        ('locked=true', ['web-2']),
        ('key_name=k', ['broken']),
        ('power_state=4', ['web-2']),
        ('power_state=99', []),
        ('vm_state=error', ['broken']),
        ('vm_state=nonsense', []),
        ('task_state=deleting', []),
        ('user_id=alice&limit=2', ['broken', 'web-2']),
        ('reservation_id=r-12345678', ['broken', 'web-2', 'web-1']),
        ('sort_key=display_name&sort_dir=asc', ['broken', 'web-1', 'web-2']),
        ('sort_key=vm_state&sort_key=display_name&sort_dir=desc&sort_dir=asc', ['web-2', 'broken', 'web-1']),
        ('limit=0', []),
    ],
)
def test_filters_and_order(several, query, expected):
    assert names(several, query) == expected


@pytest.mark.parametrize(
    ('query', 'expected'),
    [
        ('all_tenants=1', ['broken', 'db', 'web-2', 'web-1']),
        ('all_tenants', ['broken', 'db', 'web-2', 'web-1']),
        ('all_tenants=1&project_id=other', ['db']),
        ('tenant_id=other', ['db']),
        ('all_tenants=0', []),
        ('all_tenants=1&host=compute', ['db', 'web-2', 'web-1']),
        ('all_tenants=1&uuid=00000000-0000-4000-8000-000000000003', ['db']),
        ('all_tenants=1&metadata={"role":"web"}', ['web-1']),
        ('all_tenants=1&sort_key=node&sort_dir=desc&name=web-1', ['web-1']),
        ('all_tenants=1&auto_disk_config=False', ['broken', 'db', 'web-2', 'web-1']),
    ],
)
def test_administrators_see_more(several, query, expected):
    assert names(several, query, token='admin') == expected


@pytest.mark.parametrize(
    ('query', 'version', 'token', 'status'),
    [
        ('all_tenants=1', '2.1', 'member', 403),
        ('all_tenants=maybe', '2.1', 'admin', 400),
        ('status=bogus', '2.38', 'member', 400),
        ('status=deleted', '2.1', 'member', 403),
        ('limit=x', '2.1', 'member', 400),
        ('limit=-1', '2.1', 'member', 400),
        ('marker=00000000-0000-4000-8000-00000000dead', '2.1', 'member', 400),
        ('marker=00000000-0000-4000-8000-000000000003', '2.1', 'member', 400),
        ('sort_key=nonsense', '2.1', 'member', 400),
        ('sort_key=locked', '2.72', 'member', 400),
        ('sort_key=host', '2.1', 'member', 403),
        ('sort_key=uuid&sort_dir=up', '2.1', 'member', 400),
        ('sort_dir=asc&sort_dir=desc&sort_key=uuid', '2.1', 'member', 400),
        ('changes-since=yesterday', '2.1', 'member', 400),
        ('changes-since=2030-01-01&changes-before=2020-01-01', '2.66', 'member', 400),
        ('nonsense=1', '2.75', 'member', 400),
        ('name=((', '2.1', 'member', 400),
        ('locked=maybe', '2.73', 'member', 400),
    ],
)
def test_what_cannot_be_listed_is_refused(several, query, version, token, status):
    assert several.fault('GET', f'/servers?{query}', version=version, token=token)[0] == status


@pytest.mark.parametrize(
    ('query', 'version'),
    [
        ('status=bogus', '2.37'),
        ('ip6=fe80', '2.4'),
        ('tags=none', '2.25'),
        ('locked=nonsense', '2.72'),
        ('vm_state=error', '2.82'),
        ('host=other', '2.93'),
        ('nonsense=1', '2.74'),
        ('changes-before=nonsense', '2.65'),
    ],
)
def test_what_a_version_or_user_does_not_have_is_ignored(several, query, version):
    expected = [] if query == 'status=bogus' else ['broken', 'web-2', 'web-1']
    assert names(several, query, version) == expected


def test_pages_lead_from_first_to_last(several):
    seen, path = [], '/servers?limit=1&sort_key=display_name&sort_dir=asc'
    while path:
        page = several.get(path, '2.93')
        seen += [server['name'] for server in page['servers']]
        links = page.get('servers_links')
        assert all(link['rel'] == 'next' for link in links or ())
        url = urlsplit(links[0]['href']) if links else None
        path = f'{url.path.removeprefix("/v2.1")}?{url.query}' if url else None
    assert seen == ['broken', 'web-1', 'web-2']


def test_a_page_can_follow_a_server_that_was_deleted(several):
    with several.databases.cell(CELL_ID).writing() as tx:
        servers.change(tx, '00000000-0000-4000-8000-000000000002', state=State.DELETED)
    assert names(several, 'marker=00000000-0000-4000-8000-000000000002') == ['web-1']


def test_changes_show_deleted_servers_too(world):
    world.server(1, state=State.DELETED)
    world.server(2)
    since = (NOW - datetime.timedelta(days=1)).isoformat().replace('+00:00', 'Z')
    assert names(world) == ['server-2']
    assert sorted(names(world, f'changes-since={since}')) == ['server-1', 'server-2']
    assert names(world, f'changes-since={since}&changes-before={since}', '2.66') == []
    assert names(world, 'all_tenants=1&deleted=true', token='admin') == ['server-1']
    assert names(world, 'all_tenants=1&status=deleted', token='admin') == ['server-1']


def test_the_operator_bounds_pages(tmp_path, template):
    world = World(tmp_path, template, max_limit=2)
    for number in range(3):
        world.server(number)
    page = world.get('/servers')
    assert len(page['servers']) == 2
    assert 'servers_links' in page


def test_a_failed_server_says_why(several):
    with several.databases.cell(CELL0_ID).writing() as tx:
        servers.add_fault(tx, '00000000-0000-4000-8000-000000000004', Fault(500, 'No valid host was found.', 'why'))
    path = '/servers/00000000-0000-4000-8000-000000000004'
    fault = several.get(path)['server']['fault']
    assert (fault['code'], fault['message']) == (500, 'No valid host was found.')
    assert 'details' not in fault
    assert several.get(path, token='admin')['server']['fault']['details'] == 'why'


def test_a_list_costs_the_same_number_of_statements_for_one_server_or_many(world):
    def statements():
        before = world.databases.statements.value
        world.get('/servers/detail', '2.93')
        return world.databases.statements.value - before

    world.server(0)
    world.get('/servers/detail', '2.93')
    few = statements()
    for number in range(1, 20):
        world.server(number)
    assert statements() == few <= 8


def test_a_server_costs_four_statements_and_no_call(world):
    server = world.server()
    world.get(f'/servers/{server.id}', '2.93')
    before = world.databases.statements.value
    world.get(f'/servers/{server.id}', '2.93')
    assert world.databases.statements.value - before <= 4
    assert world.network.calls == []
    assert world.bus.sent == []


def test_a_mapping_without_a_server_is_not_found(world):
    with world.databases.api.writing() as tx:
        mappings.create(tx, 'lost', 'demo', 'alice', CELL_ID)
    assert world.fault('GET', '/servers/lost') == (404, 'Instance lost could not be found.')
