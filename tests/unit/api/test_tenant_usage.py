import datetime

import pytest

from nova.domain.flavor import Flavor
from nova.domain.lifecycle import State
from tests.unit.api.servers.world import NOW

MIDNIGHT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
DAY = 'start=2026-01-01T00:00:00&end=2026-01-02T00:00:00'
BIG = Flavor('big', 'm1.big', 4, 4096, 20, ephemeral_gb=2, swap_mb=512)


def at(hours):
    return MIDNIGHT + datetime.timedelta(hours=hours)


def of_project(cloud, query=DAY, project='demo', token='admin', version='2.40'):
    return cloud.get(f'/os-simple-tenant-usage/{project}?{query}', version, token)['tenant_usage']


@pytest.mark.parametrize(
    ('launched', 'terminated', 'hours'),
    [
        (-48, None, 24),
        (6, None, 18),
        (6, 12, 6),
        (-5, 1.5, 1.5),
        (23.75, 30, 0.25),
        (-5, -1, None),
        (25, None, None),
        (0, 24, 24),
    ],
)
def test_hours_are_those_within_the_span(cloud, launched, terminated, hours):
    ended = None if terminated is None else at(terminated)
    state = State.ACTIVE if ended is None else State.DELETED
    cloud.server(1, flavor=BIG, launched_at=at(launched), terminated_at=ended, state=state)
    usage = of_project(cloud)
    if hours is None:
        assert usage == {}
        return
    totals = {name: usage[name] for name in usage if name.startswith('total')}
    assert totals == {
        'total_hours': hours,
        'total_vcpus_usage': 4 * hours,
        'total_memory_mb_usage': 4096 * hours,
        'total_local_gb_usage': 22 * hours,
    }
    (server,) = usage['server_usages']
    assert server['hours'] == hours
    assert server['state'] == ('active' if ended is None else 'terminated')
    assert server['uptime'] == int(((ended or NOW) - at(launched)).total_seconds())


def test_a_server_that_never_ran_used_nothing(cloud):
    cloud.server(1, launched_at=None, state=State.ERROR)
    assert of_project(cloud) == {}


def test_projects_are_summed_over_cells(cloud, template):
    elsewhere = cloud.second_cell(template)
    cloud.server(1, launched_at=at(0))
    cloud.server(2, elsewhere, launched_at=at(12))
    cloud.server(3, elsewhere, launched_at=at(20), project_id='other')
    usages = cloud.get(f'/os-simple-tenant-usage?{DAY}', token='admin')['tenant_usages']
    assert [(usage['tenant_id'], usage['total_hours']) for usage in usages] == [('demo', 36), ('other', 4)]
    assert 'server_usages' not in usages[0]
    detailed = cloud.get(f'/os-simple-tenant-usage?{DAY}&detailed=1', token='admin')['tenant_usages']
    assert [len(usage['server_usages']) for usage in detailed] == [2, 1]


def test_pages_add_up_to_the_whole(cloud, template):
    elsewhere = cloud.second_cell(template)
    for number in range(1, 6):
        place = (elsewhere,) if number % 2 else ()
        cloud.server(number, *place, launched_at=at(number), project_id='other' if number > 3 else 'demo')
    path, seen = f'/os-simple-tenant-usage?{DAY}&detailed=1&limit=2', []
    while path:
        page = cloud.get(path, '2.40', 'admin')
        seen += [server['instance_id'] for usage in page['tenant_usages'] for server in usage['server_usages']]
        links = page.get('tenant_usages_links')
        path = links[0]['href'].partition('/v2.1')[2] if links else None
    assert seen == [f'00000000-0000-4000-8000-{number:012}' for number in range(1, 6)]


def test_old_versions_know_no_pages(cloud):
    for number in range(1, 4):
        cloud.server(number, launched_at=at(number))
    found = cloud.get(f'/os-simple-tenant-usage/demo?{DAY}&limit=1', '2.39', 'admin')
    assert len(found['tenant_usage']['server_usages']) == 3
    assert 'tenant_usage_links' not in found


@pytest.mark.parametrize(
    ('query', 'status'),
    [
        ('start=2026-01-01T00:00:00', 200),
        ('start=2026-01-01T00:00:00.123456&end=2026-01-02%2000:00:00.5', 200),
        ('', 200),
        ('start=2026-01-02T00:00:00&end=2026-01-01T00:00:00', 400),
        ('start=2026-01-02T00:00:00&end=2026-01-02T00:00:00', 400),
        ('end=2020-01-01T00:00:00', 400),
        ('start=yesterday', 400),
        ('start=2026-01-01', 400),
        ('marker=00000000-0000-4000-8000-000000000077', 400),
        ('limit=x', 400),
    ],
)
def test_spans_and_pages_are_checked(cloud, query, status):
    for path in ('/os-simple-tenant-usage', '/os-simple-tenant-usage/demo'):
        cloud.request('GET', f'{path}?{query}', None, '2.40', 'admin', status)


@pytest.mark.parametrize(
    ('path', 'token', 'status'),
    [('', 'manager', 403), ('/demo', 'reader', 200), ('/other', 'reader', 403), ('/demo', 'roleless', 403)],
)
def test_who_may(cloud, path, token, status):
    cloud.request('GET', f'/os-simple-tenant-usage{path}', None, '2.40', token, status)


def test_the_number_of_statements_does_not_grow_with_the_list(cloud):
    def cost():
        before = cloud.databases.statements.value
        cloud.get(f'/os-simple-tenant-usage?{DAY}&detailed=1', '2.40', 'admin')
        return cloud.databases.statements.value - before

    cloud.server(1, launched_at=at(1))
    cost()
    few = cost()
    for number in range(2, 20):
        cloud.server(number, launched_at=at(1), project_id=f'project-{number % 5}')
    assert cost() == few
