"""What can be read of servers beside themselves: figures, passwords, moves, groups; and servers of cells that are down."""

import contextlib
import dataclasses
import datetime

import pytest

from nova import errors
from nova.db.stores import mappings, migrations, operations, server_groups, servers
from nova.domain import record
from nova.domain.cell import CELL0_ID
from nova.domain.flavor import Flavor
from nova.domain.lifecycle import Activity, Power, State
from nova.domain.migration import LIVE, RESIZE, Migration
from nova.domain.operation import DONE, OperationRow
from nova.domain.server import ServerRequest
from tests import published
from tests.unit.api.servers.world import CELL_ID, IMAGE_ID, NOW, PORT, World


def names(world, query='', version='2.96', token='member'):
    return [server['name'] for server in world.get(f'/servers/detail?{query}', version, token)['servers']]


class TestFilters:
    @pytest.mark.parametrize(
        ('query', 'expected'),
        [
            ('launched_at=2026-01-02T03:04:05.678901', ['server-1']),
            ('launched_at=2026-01-02T03:04:05', ['server-1']),
            ('launched_at=2026-01-02T03:04:06', []),
            ('created_at=2026-01-02T03:04:07Z', ['server-2']),
            ('terminated_at=2026-01-03T00:00:00', ['server-2']),
            ('kernel_id=k-1', ['server-2']),
            ('kernel_id=k', []),
            ('kernel_id=%25', []),
            ('progress=99999999999999999999', []),
        ],
    )
    def test_moments_and_images(self, world, query, expected):
        world.server(1)
        ended = datetime.datetime(2026, 1, 3, tzinfo=datetime.UTC)
        world.server(2, launched_at=None, terminated_at=ended, image_properties={'kernel_id': 'k-1'})
        assert names(world, f'all_tenants=1&{query}', token='admin') == expected

    def test_a_status_is_what_servers_show(self, world):
        world.server(1)
        world.server(2, activity=Activity.DELETING)
        shown = {server['status'] for server in world.get('/servers/detail', '2.96')['servers']}
        for status in shown:
            found = world.get(f'/servers/detail?status={status.lower()}', '2.96')['servers']
            assert {server['status'] for server in found} == {status}

    def test_a_status_that_no_server_has_is_no_error(self, world):
        world.server(1)
        assert names(world, 'status=MIGRATING', '2.38') == []

    @pytest.mark.parametrize(
        ('query', 'token', 'expected'),
        [
            ('', 'member', ['server-1']),
            ('status=soft_deleted', 'member', ['server-2']),
            ('soft_deleted=true', 'member', ['server-1']),
            ('all_tenants=1&soft_deleted=true', 'admin', ['server-2', 'server-1']),
            ('all_tenants=1&deleted=true', 'admin', ['server-3', 'server-2']),
            ('all_tenants=1&deleted=true&soft_deleted=no', 'admin', ['server-3']),
            ('all_tenants=1&deleted=nonsense', 'admin', ['server-1']),
        ],
    )
    def test_servers_that_can_be_restored_are_listed_when_asked_for(self, world, query, token, expected):
        world.server(1)
        world.server(2, state=State.SOFT_DELETED)
        world.server(3, state=State.DELETED)
        assert names(world, query, token=token) == expected

    @pytest.mark.parametrize(
        'pattern', ['(a%2B)%2B$', 'a*a*a*b', '.*a.*b.*c.*d.*', '(a|a)' * 25, 'a?' * 30, 'x' * 256, '[', '%00']
    )
    def test_a_pattern_that_could_take_long_or_is_none_is_refused(self, world, pattern):
        world.server(1, name='a' * 255)
        assert world.fault('GET', f'/servers?name={pattern}')[0] == 400

    @pytest.mark.parametrize('pattern', ['.*web.*', '^web-[0-9]{1,3}$', 'web|db', '^w.*b.*[0-9]*$'])
    def test_usual_patterns_are_served(self, world, pattern):
        world.server(1, name='web-1')
        assert names(world, f'name={pattern}') == ['web-1']

    def test_keys_that_tell_no_order_are_ignored(self, world):
        world.server(1)
        world.server(2)
        assert names(world, 'sort_key=kernel_id&sort_dir=asc') == ['server-1', 'server-2']
        assert names(world, 'sort_key=kernel_id&sort_key=display_name&sort_dir=asc') == ['server-1', 'server-2']


class TestCellsThatAreDown:
    @pytest.fixture
    def down(self, world, monkeypatch):
        """Three servers in a cell that does not answer any more, and one in cell0."""
        for number in (1, 2, 3):
            world.server(number)
        world.server(4, CELL0_ID, state=State.ERROR, host=None, ports=())
        self._take_away(world, monkeypatch)
        return world

    @staticmethod
    def _take_away(world, monkeypatch):
        @contextlib.contextmanager
        def refuse():
            raise errors.ServiceDown('The database does not answer.')
            yield

        monkeypatch.setattr(world.databases.cell(CELL_ID), 'reading', refuse)

    def test_their_servers_are_listed_in_part(self, down):
        known, *unknown = down.get('/servers/detail', '2.69')['servers']
        assert known['name'] == 'server-4'
        assert {server['id'][-1] for server in unknown} == {'1', '2', '3'}
        sample = published.sample('servers/v2.69/servers-details-resp.json')['servers'][0]
        assert [published.differences(server, sample) for server in unknown] == [[], [], []]
        sample = published.sample('servers/v2.69/servers-list-resp.json')['servers'][0]
        assert published.differences(down.get('/servers', '2.69')['servers'][-1], sample) == []

    def test_pages_lead_through_them(self, down):
        seen, query = [], 'limit=1'
        for _page in range(4):
            page = down.get(f'/servers?{query}', '2.69')
            seen += [server['id'] for server in page['servers']]
            query = page['servers_links'][0]['href'].partition('?')[2]
        assert len(set(seen)) == 4
        assert down.get(f'/servers?{query}', '2.69')['servers'] == []

    @pytest.mark.parametrize(('query', 'version'), [('', '2.68'), ('name=server', '2.69')])
    def test_earlier_versions_and_filtered_lists_leave_them_out(self, down, query, version):
        assert names(down, query, version) == ['server-4']

    def test_other_projects_do_not_see_them(self, down):
        assert down.get('/servers', '2.69', 'stranger')['servers'] == []
        assert len(down.get('/servers?all_tenants=1', '2.69', 'admin')['servers']) == 4

    def test_one_is_shown_in_part(self, down):
        request = ServerRequest(
            '00000000-0000-4000-8000-000000000001',
            'a',
            'a',
            'demo',
            'alice',
            Flavor('1', 'm1.tiny', 1, 512, 1),
            IMAGE_ID,
        )
        row = OperationRow('op', 'create', request.server_id, parameters={'request': record.dump(request)}, status=DONE)
        with down.databases.api.writing() as tx:
            operations.start(tx, row)
            group = server_groups.create(tx, 'group', 'demo', 'alice', 'affinity')
            server_groups.add_members(tx, group.id, [request.server_id])
        path = f'/servers/{request.server_id}'
        for version, name in (
            ('2.69', 'servers/v2.69/server-get-resp.json'),
            ('2.71', 'servers/v2.71/server-get-down-cell-resp.json'),
        ):
            shown = down.get(path, version)
            assert published.differences(shown, published.sample(name)) == []
        assert shown['server']['server_groups'] == [group.id]
        assert down.fault('GET', path, version='2.68')[0] == 503
        assert down.fault('GET', path, version='2.69', token='stranger')[0] == 404

    def test_one_is_shown_though_its_creation_is_forgotten(self, down):
        shown = down.get('/servers/00000000-0000-4000-8000-000000000001', '2.69')['server']
        assert shown['status'] == 'UNKNOWN'
        assert 'flavor' not in shown

    def test_an_operator_may_rather_have_an_error(self, tmp_path, template, monkeypatch):
        world = World(tmp_path, template, list_skips_down_cells=False)
        world.server(1)
        self._take_away(world, monkeypatch)
        assert world.fault('GET', '/servers', version='2.68')[0] == 503
        assert world.fault('GET', '/servers?name=a', version='2.69')[0] == 503
        assert len(world.get('/servers', '2.69')['servers']) == 1


class TestGroups:
    def test_a_server_shows_its_group(self, world):
        server = world.server()
        with world.databases.api.writing() as tx:
            group = server_groups.create(tx, 'group', 'demo', 'alice', 'affinity')
            server_groups.add_members(tx, group.id, [server.id])
        assert world.get(f'/servers/{server.id}', '2.71')['server']['server_groups'] == [group.id]
        assert 'server_groups' not in world.get('/servers/detail', '2.96')['servers'][0]

    def test_a_pinned_zone_is_shown(self, world):
        server = world.server(pinned_availability_zone='east')
        assert world.get(f'/servers/{server.id}', '2.96')['server']['pinned_availability_zone'] == 'east'
        assert 'pinned_availability_zone' not in world.get(f'/servers/{server.id}', '2.95')['server']

    def test_security_groups_are_those_of_the_ports(self, world):
        world.network.add_security_group('demo', 'other')
        group = world.network.add_security_group('demo', 'web', 'for the web')
        server = world.server(ports=(dataclasses.replace(PORT, security_groups=(group.id,)),))
        path = f'/servers/{server.id}/os-security-groups'
        (shown,) = world.get(path)['security_groups']
        assert (shown['id'], shown['name'], shown['description']) == (group.id, 'web', 'for the web')
        assert world.get(f'/servers/{world.server(2, ports=()).id}/os-security-groups') == {'security_groups': []}


class TestDiagnostics:
    def test_figures_come_from_the_host(self, world):
        server = world.server()
        path = f'/servers/{server.id}/diagnostics'
        assert world.get(path, '2.47', 'admin')['vda_read_req'] == 112
        shown = world.get(path, '2.48', 'admin')
        assert shown['state'] == 'running'
        assert shown['memory_details'] == {'maximum': 512, 'used': 128}
        assert shown['nic_details'][0]['rx_rate'] is None

    @pytest.mark.parametrize(
        ('fields', 'status'),
        [({'power': Power.SHUTDOWN, 'state': State.STOPPED}, 409), ({'host': None, 'power': Power.NOSTATE}, 409)],
    )
    def test_a_guest_that_does_not_run_has_none(self, world, fields, status):
        server = world.server(**fields)
        for version in ('2.47', '2.48'):
            assert world.fault('GET', f'/servers/{server.id}/diagnostics', version=version, token='admin')[0] == status

    def test_a_driver_may_be_unable(self, world, monkeypatch):
        def unable(context, server_id):
            raise errors.NotImplementedHere('The driver of this host cannot tell what guests use.')

        monkeypatch.setattr(world.bus, 'diagnose_guest', unable)
        assert world.fault('GET', f'/servers/{world.server().id}/diagnostics', token='admin')[0] == 501


class TestPassword:
    def test_it_is_shown_until_it_is_cleared(self, world):
        server = world.server(system_metadata={'password': 'c2VjcmV0', 'kept': 'yes'})
        path = f'/servers/{server.id}/os-server-password'
        assert world.get(path) == {'password': 'c2VjcmV0'}
        assert world.fault('DELETE', path, token='reader')[0] == 403
        world.send('DELETE', path, status=204)
        assert world.get(path) == {'password': ''}
        with world.databases.cell(CELL_ID).reading() as tx:
            assert servers.get(tx, server.id).system_metadata == {'kept': 'yes'}


class TestMigrations:
    @pytest.fixture
    def moving(self, world):
        server = world.server()
        with world.databases.cell(CELL_ID).writing() as tx:
            for kind, status in ((LIVE, 'running'), (LIVE, 'completed'), (RESIZE, 'migrating')):
                move = Migration(f'{kind}-{status}', server.id, kind, status, source_compute='compute', created_at=NOW)
                migrations.record(tx, move)
        world.path = f'/servers/{server.id}/migrations'
        return world

    def test_live_ones_under_way_are_listed(self, moving):
        (shown,) = moving.get(moving.path, '2.23', 'admin')['migrations']
        assert (shown['status'], shown['source_compute']) == ('running', 'compute')
        assert 'uuid' not in shown
        assert moving.get(moving.path, '2.59', 'manager')['migrations'][0]['source_compute'] is None
        assert moving.fault('GET', moving.path, version='2.23')[0] == 403

    @pytest.mark.parametrize(
        ('number', 'status'), [('1', 200), ('2', 404), ('3', 404), ('99', 404), ('x', 404), ('9' * 5000, 404)]
    )
    def test_others_are_not_found(self, moving, number, status):
        assert moving.request('GET', f'{moving.path}/{number}', None, '2.23', 'admin').status_int == status


class TestWhatOwnersKeep:
    @pytest.mark.parametrize(
        ('method', 'path', 'body'),
        [
            ('PUT', 'metadata', {'metadata': {'a': 'b'}}),
            ('POST', 'metadata', {'metadata': {'a': 'b'}}),
            ('DELETE', 'metadata/a', None),
            ('PUT', 'tags', {'tags': ['a']}),
            ('PUT', 'tags/a', None),
            ('DELETE', 'tags', None),
        ],
    )
    def test_it_does_not_change_in_every_state(self, world, method, path, body):
        server = world.server(state=State.ERROR, metadata={'a': 'b'})
        status, message = world.fault(method, f'/servers/{server.id}/{path}', body, '2.26')
        assert status == 409
        assert 'while it is in vm_state error' in message

    def test_metadata_of_a_locked_server_is_its_owners_no_more(self, world):
        server = world.server(locked=True)
        path, body = f'/servers/{server.id}/metadata', {'metadata': {'a': 'b'}}
        assert world.fault('POST', path, body) == (409, f'Instance {server.id} is locked')
        world.send('POST', path, body, token='admin', status=200)

    def test_a_mapping_knows_when_its_server_was_asked_for(self, world):
        server = world.server()
        with world.databases.api.reading() as tx:
            assert mappings.find(tx, server.id).created_at is not None


def test_what_was_done_goes_by_the_names_that_clients_know(world):
    server = world.server()
    row = OperationRow('op', 'confirm_resize', server.id, CELL_ID, request_id='req-1', status=DONE, created_at=NOW)
    with world.databases.cell(CELL_ID).writing() as tx:
        operations.start(tx, row)
    (shown,) = world.get(f'/servers/{server.id}/os-instance-actions')['instanceActions']
    assert shown['action'] == 'confirmResize'


def test_a_server_without_numa_has_no_nodes(world):
    path = f'/servers/{world.server().id}/topology'
    assert world.get(path, '2.78') == {'nodes': [], 'pagesize_kb': None}
    assert world.request('GET', path, None, '2.77').status_int == 404
