import datetime
import uuid

import pytest

from nova.db.stores import hosts
from nova.domain.host import Inventory
from tests.unit.api.cloud import NODE_ID, report
from tests.unit.api.servers.world import NOW

OTHER_ID = str(uuid.UUID(int=7))


@pytest.fixture
def two(cloud):
    cloud.host_reports()
    cloud.host_reports(host='second', node='fake-second', node_id=OTHER_ID, uptime=None)
    return cloud


def listed(cloud, path, version='2.53'):
    return [entry['hypervisor_hostname'] for entry in cloud.get(path, version, token='admin')['hypervisors']]


@pytest.mark.parametrize(('version', 'first', 'second'), [('2.52', 1, 2), ('2.53', NODE_ID, OTHER_ID)])
def test_ids_are_numbers_until_2_52(two, version, first, second):
    found = two.get('/os-hypervisors', version, token='admin')['hypervisors']
    assert [entry['id'] for entry in found] == [first, second]
    assert two.get(f'/os-hypervisors/{second}', version, token='admin')['hypervisor']['id'] == second


@pytest.mark.parametrize(
    ('path', 'version', 'status'),
    [
        ('/os-hypervisors/1', '2.53', 400),
        ('/os-hypervisors/99', '2.52', 404),
        (f'/os-hypervisors/{uuid.UUID(int=9)}', '2.53', 404),
        ('/os-hypervisors/statistics', '2.88', 404),
        ('/os-hypervisors/fake/search', '2.53', 404),
        ('/os-hypervisors/fake/servers', '2.53', 404),
        (f'/os-hypervisors/{NODE_ID}/uptime', '2.88', 404),
        ('/os-hypervisors/none/search', '2.52', 404),
        ('/os-hypervisors?marker=none', '2.53', 400),
        ('/os-hypervisors?limit=1&hypervisor_hostname_pattern=fake', '2.53', 400),
        ('/os-hypervisors?hypervisor_hostname_pattern=none', '2.53', 404),
        ('/os-hypervisors?with_servers=maybe', '2.53', 400),
        (f'/os-hypervisors/{OTHER_ID}/uptime', '2.53', 501),
    ],
)
def test_what_is_not_there(two, path, version, status):
    assert two.fault('GET', path, version=version, token='admin')[0] == status


def test_lists_are_paged_and_searched(two):
    assert listed(two, '/os-hypervisors?limit=1') == ['fake-mini']
    assert listed(two, f'/os-hypervisors?limit=1&marker={NODE_ID}') == ['fake-second']
    assert listed(two, '/os-hypervisors?limit=1&marker=1', '2.33') == ['fake-second']
    assert listed(two, '/os-hypervisors?limit=1', '2.32') == ['fake-mini', 'fake-second']
    assert listed(two, '/os-hypervisors?hypervisor_hostname_pattern=sec') == ['fake-second']
    assert listed(two, '/os-hypervisors/sec/search', '2.52') == ['fake-second']


def test_figures_count_what_servers_and_the_host_itself_take(two):
    two.server()
    shown = two.get(f'/os-hypervisors/{NODE_ID}', '2.87', token='admin')['hypervisor']
    figures = {
        name: shown[name] for name in ('vcpus_used', 'memory_mb_used', 'free_ram_mb', 'local_gb_used', 'free_disk_gb')
    }
    assert figures == {
        'vcpus_used': 1,
        'memory_mb_used': 1024,
        'free_ram_mb': 7168,
        'local_gb_used': 1,
        'free_disk_gb': 1027,
    }
    sums = two.get('/os-hypervisors/statistics', '2.87', token='admin')['hypervisor_statistics']
    assert (sums['count'], sums['vcpus'], sums['running_vms']) == (2, 4, 1)


@pytest.mark.parametrize(('version', 'empty'), [('2.53', None), ('2.74', None), ('2.75', [])])
def test_servers_are_shown_when_asked_for(two, version, empty):
    server = two.server()
    found = two.get('/os-hypervisors?with_servers=true', version, token='admin')['hypervisors']
    assert found[0]['servers'] == [{'name': server.name, 'uuid': server.id}]
    assert found[1].get('servers') == empty
    assert 'servers' not in two.get('/os-hypervisors', version, token='admin')['hypervisors'][0]


def test_a_host_that_is_silent_is_down(cloud):
    cloud.host_reports()
    late = NOW + datetime.timedelta(seconds=61)
    object.__setattr__(cloud.services, 'clock', lambda: late)
    shown = cloud.get('/os-hypervisors', '2.53', token='admin')['hypervisors'][0]
    assert (shown['state'], shown['status']) == ('down', 'enabled')
    assert cloud.fault('GET', f'/os-hypervisors/{NODE_ID}/uptime', version='2.53', token='admin')[0] == 400


def test_a_disabled_host_says_why(cloud):
    cloud.host_reports()
    cloud.host(enabled=False, disabled_reason='repair')
    shown = cloud.get(f'/os-hypervisors/{NODE_ID}', '2.93', token='admin')['hypervisor']
    assert (shown['status'], shown['service']['disabled_reason']) == ('disabled', 'repair')


def test_a_host_that_is_full_shows_less_than_nothing_free(cloud):
    cloud.host_reports(inventory=Inventory(vcpus=1, memory_mb=512, disk_gb=1, reserved_memory_mb=512))
    cloud.server()
    assert cloud.get('/os-hypervisors/1', '2.1', token='admin')['hypervisor']['free_ram_mb'] == -512


THIRD_ID = str(uuid.UUID(int=8))


@pytest.fixture
def three(two, template):
    """Two hosts in one cell and one in another, each with a server."""
    elsewhere = two.second_cell(template)
    with two.databases.cell(elsewhere).writing() as tx:
        hosts.report(tx, report(host='third', node='fake-third', node_id=THIRD_ID), NOW)
    for number, place in ((1, {}), (2, {'host': 'second'}), (3, {'cell_id': elsewhere, 'host': 'third'})):
        two.server(number, **place)
    return two


def test_pages_go_on_in_the_next_cell(three):
    path, seen = '/os-hypervisors/detail?limit=1', []
    while path:
        page = three.get(path, '2.53', 'admin')
        seen += [entry['id'] for entry in page['hypervisors']]
        links = page.get('hypervisors_links')
        path = links[0]['href'].partition('/v2.1')[2] if links else None
    assert seen == [NODE_ID, OTHER_ID, THIRD_ID]


@pytest.mark.parametrize('path', ['/os-hypervisors', '/os-hypervisors/detail'])
def test_before_there_were_pages_all_hosts_are_listed(two, path):
    object.__setattr__(two.services.settings, 'max_limit', 1)
    assert len(two.get(path, '2.32', 'admin')['hypervisors']) == 2
    assert len(two.get(path, '2.33', 'admin')['hypervisors']) == 1


def test_a_number_that_two_cells_have_names_no_host(three):
    status, message = three.fault('GET', '/os-hypervisors/1', version='2.52', token='admin')
    assert (status, '2.53' in message) == (400, True)


def test_servers_are_those_of_each_host_in_its_cell(three):
    found = three.get('/os-hypervisors?with_servers=true', '2.53', 'admin')['hypervisors']
    assert [[server['name'] for server in entry['servers']] for entry in found] == [
        ['server-1'],
        ['server-2'],
        ['server-3'],
    ]
    one = three.get(f'/os-hypervisors/{THIRD_ID}?with_servers=true', '2.53', 'admin')['hypervisor']
    assert [server['name'] for server in one['servers']] == ['server-3']


@pytest.mark.parametrize(
    'path', ['/os-hypervisors', '/os-hypervisors/detail?with_servers=true', '/os-hypervisors/statistics']
)
def test_the_number_of_statements_does_not_grow_with_the_list(two, path):
    def cost():
        before = two.databases.statements.value
        two.get(path, '2.53', 'admin')
        return two.databases.statements.value - before

    cost()
    few = cost()
    for number in range(10, 20):
        two.host_reports(host=f'host-{number}', node=f'node-{number}', node_id=str(uuid.UUID(int=number)))
        two.server(number, host=f'host-{number}')
    assert cost() == few


def test_how_long_a_host_has_been_up_is_not_known_when_it_is_down(cloud):
    cloud.host_reports()
    assert cloud.get(f'/os-hypervisors/{NODE_ID}', '2.88', 'admin')['hypervisor']['uptime']
    object.__setattr__(cloud.services, 'clock', lambda: NOW + datetime.timedelta(seconds=61))
    assert cloud.get(f'/os-hypervisors/{NODE_ID}', '2.88', 'admin')['hypervisor']['uptime'] is None
