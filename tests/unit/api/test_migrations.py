import datetime
import uuid

import pytest

from tests.unit.api.servers.world import NOW

FIRST = '00000000-0000-4000-9000-000000000001'
SECOND = '00000000-0000-4000-9000-000000000002'
THIRD = '00000000-0000-4000-9000-000000000003'
HOSTS = ('source_compute', 'source_node', 'dest_compute', 'dest_node', 'dest_host')


@pytest.fixture
def moved(cloud, template):
    """Two servers of the project in one cell, one of another project in another cell, each moved once."""
    cloud.server(1)
    cloud.server(2)
    elsewhere = cloud.second_cell(template)
    stranger = cloud.server(3, elsewhere, project_id='other', user_id='bob')
    cloud.migration(1)
    cloud.migration(2, '00000000-0000-4000-8000-000000000002', kind='resize', status='confirmed', hidden=True)
    cloud.migration(
        3,
        stranger.id,
        elsewhere,
        kind='evacuation',
        status='done',
        source_compute='compute9',
        user_id='bob',
        project_id='other',
    )
    return cloud


def listed(cloud, query='', version='2.80', token='admin'):
    return [entry['uuid'] for entry in cloud.get(f'/os-migrations{query}', version, token)['migrations']]


def moment(seconds):
    return (NOW + datetime.timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%S.%fZ')


@pytest.mark.parametrize(
    ('query', 'found'),
    [
        ('', [THIRD, SECOND, FIRST]),
        ('?status=done', [THIRD]),
        ('?host=compute', [SECOND, FIRST]),
        ('?host=compute2', [THIRD, SECOND, FIRST]),
        ('?source_compute=compute9', [THIRD]),
        ('?migration_type=resize', [SECOND]),
        ('?hidden=true', [SECOND]),
        ('?hidden=0', [THIRD, FIRST]),
        ('?instance_uuid=00000000-0000-4000-8000-000000000002', [SECOND]),
        ('?user_id=bob', [THIRD]),
        ('?project_id=demo', [SECOND, FIRST]),
        ('?project_id=demo&status=running', [FIRST]),
        (f'?changes-since={moment(2)}', [THIRD, SECOND]),
        (f'?changes-before={moment(2)}', [SECOND, FIRST]),
        (f'?changes-since={moment(2)}&changes-before={moment(2)}', [SECOND]),
        ('?limit=0', []),
    ],
)
def test_lists_are_filtered(moved, query, found):
    assert listed(moved, query) == found


def test_pages_go_on_over_cells_until_all_are_shown(moved):
    path, seen = '/os-migrations?limit=1', []
    while path:
        page = moved.get(path, '2.59', 'admin')
        seen += [entry['uuid'] for entry in page['migrations']]
        links = page.get('migrations_links')
        path = links[0]['href'].partition('/v2.1')[2] if links else None
    assert seen == [THIRD, SECOND, FIRST]


def test_migrations_of_one_moment_are_paged_without_gaps(cloud, template):
    elsewhere = cloud.second_cell(template)
    cloud.server(1)
    cloud.server(2, elsewhere)
    for number in range(1, 7):
        place = {} if number % 2 else {'server_id': '00000000-0000-4000-8000-000000000002', 'cell_id': elsewhere}
        cloud.migration(number, **place, created_at=NOW)
    seen, marker = [], ''
    while page := listed(cloud, f'?limit=2{marker}'):
        seen += page
        marker = f'&marker={page[-1]}'
    assert len(seen) == len(set(seen)) == 6


@pytest.mark.parametrize(
    ('query', 'version', 'status'),
    [
        (f'?marker={uuid.UUID(int=5)}', '2.59', 400),
        ('?marker=none', '2.59', 400),
        ('?marker=none&unknown=1', '2.58', 200),
        ('?unknown=1', '2.59', 400),
        ('?limit=-1', '2.59', 400),
        ('?changes-since=yesterday', '2.59', 400),
        ('?changes-before=2026-01-01', '2.65', 400),
        (f'?changes-since={moment(3)}&changes-before={moment(2)}', '2.66', 400),
        ('?user_id=bob', '2.79', 400),
        ('?project_id=demo', '2.79', 400),
    ],
)
def test_parameters_belong_to_versions(moved, query, version, status):
    moved.request('GET', f'/os-migrations{query}', None, version, 'admin', status)


def test_a_manager_sees_the_moves_in_the_project_but_no_hosts(moved):
    assert listed(moved, token='manager') == [SECOND, FIRST]
    shown = moved.get('/os-migrations', '2.80', 'manager')['migrations'][0]
    assert {shown[name] for name in HOSTS} == {None}
    assert moved.get('/os-migrations', '2.80', 'admin')['migrations'][1]['dest_host'] == '1.2.3.4'


@pytest.mark.parametrize(
    ('query', 'rule'),
    [
        ('?project_id=other', 'os_compute_api:os-migrations:index:all_projects'),
        ('?host=compute', 'os_compute_api:os-migrations:index:host'),
        ('?source_compute=compute', 'os_compute_api:os-migrations:index:host'),
    ],
)
def test_a_manager_may_not_look_beyond_the_project(moved, query, rule):
    status, message = moved.fault('GET', f'/os-migrations{query}', version='2.80', token='manager')
    assert status == 403
    assert rule in message
    assert moved.fault('GET', '/os-migrations', token='member')[0] == 403


@pytest.mark.parametrize(
    ('version', 'present', 'absent'),
    [
        ('2.22', set(), {'migration_type', 'links', 'uuid', 'user_id'}),
        ('2.23', {'migration_type', 'links'}, {'uuid', 'user_id'}),
        ('2.59', {'migration_type', 'links', 'uuid'}, {'user_id', 'project_id'}),
        ('2.80', {'migration_type', 'links', 'uuid', 'user_id', 'project_id'}, set()),
    ],
)
def test_what_is_shown_grows_with_versions(moved, version, present, absent):
    shown = moved.get('/os-migrations?status=running', version, 'admin')['migrations'][0]
    assert present <= shown.keys()
    assert absent.isdisjoint(shown)


def test_only_live_migrations_under_way_have_links(moved):
    by_status = {entry['status']: entry for entry in moved.get('/os-migrations', '2.80', 'admin')['migrations']}
    assert by_status['running']['links'][0]['href'].endswith(
        '/v2.1/servers/00000000-0000-4000-8000-000000000001/migrations/1'
    )
    assert 'links' not in by_status['done']


def test_flavors_are_shown_by_number_and_as_nothing_when_they_are_gone(moved):
    moved.send('DELETE', '/flavors/big', None, None, 'admin', 202)
    shown = moved.get('/os-migrations?status=running', '2.80', 'admin')['migrations'][0]
    assert (shown['old_instance_type_id'], shown['new_instance_type_id']) == (1, None)


def test_the_number_of_statements_does_not_grow_with_the_list(moved):
    def cost():
        before = moved.databases.statements.value
        listed(moved)
        return moved.databases.statements.value - before

    listed(moved)
    few = cost()
    for number in range(10, 30):
        moved.migration(number)
    assert cost() == few


def test_before_there_were_pages_all_migrations_are_listed(moved):
    object.__setattr__(moved.services.settings, 'max_limit', 1)
    shown = moved.get('/os-migrations', '2.58', 'admin')
    assert (len(shown['migrations']), 'migrations_links' in shown) == (3, False)
    assert listed(moved, version='2.59') == [THIRD]
