"""Creating servers: groups, quotas, hints, files, passwords, and the two other addresses of the same calls."""

import base64

import pytest
import webob

from nova.db.stores import mappings, quotas, server_groups
from nova.db.tables.server_groups import server_groups as groups_table
from tests.unit.api.servers.asking import BARE, building, create, recorded, refused
from tests.unit.api.servers.world import CELL_ID, IMAGE_ID, NOW, World

GROUP_ID = 'f3d86fe6-4246-4be8-b87c-eb894626c741'


def add_group(world, project_id='demo'):
    values = {'id': GROUP_ID, 'name': 'group', 'project_id': project_id, 'user_id': 'alice', 'policy': 'affinity'}
    with world.databases.api.writing() as tx:
        tx.execute(groups_table.insert().values(**values, rules={}, created_at=NOW))


def members(world):
    with world.databases.api.reading() as tx:
        return server_groups.count_members(tx, GROUP_ID)


class TestGroups:
    def test_new_servers_join(self, world):
        add_group(world)
        create(world, hints={'group': GROUP_ID}, min_count=2)
        with world.databases.api.reading() as tx:
            joined = server_groups.cells_of_members(tx, GROUP_ID)
        assert set(joined) == {request.server_id for request in recorded(world).values()}

    @pytest.mark.parametrize('owner', [None, 'other'])
    def test_a_group_must_be_ones_own(self, world, owner):
        if owner:
            add_group(world, owner)
        expected = (400, f'Instance group {GROUP_ID} could not be found.')
        assert refused(world, hints={'group': GROUP_ID}) == expected

    def test_a_group_has_as_many_members_as_the_quota_allows(self, world):
        add_group(world)
        with world.databases.api.writing() as tx:
            quotas.set_project_limits(tx, 'demo', {'server_group_members': 3, 'instances': -1})
        create(world, hints={'group': GROUP_ID}, min_count=2)
        assert refused(world, hints={'group': GROUP_ID}, min_count=2) == (
            403,
            'Quota exceeded, too many servers in group',
        )
        create(world, hints={'group': GROUP_ID}, min_count=1, max_count=5)
        assert members(world) == 3

    def test_a_request_that_is_over_quota_joins_nothing(self, world):
        add_group(world)
        assert refused(world, hints={'group': GROUP_ID}, min_count=11)[0] == 403
        assert members(world) == 0


class TestHints:
    @pytest.mark.parametrize(
        'hints',
        [
            {'same_host': CELL_ID},
            {'different_host': [CELL_ID, IMAGE_ID]},
            {'query': '[">=","$free_ram_mb",1024]'},
            {'build_near_host_ip': '192.168.1.1', 'cidr': '/24'},
            {'target_cell': 'cell1', 'different_cell': ['a']},
            {'of-ours': {'any': ['thing']}},
        ],
    )
    @pytest.mark.parametrize('name', ['os:scheduler_hints', 'OS-SCH-HNT:scheduler_hints'])
    def test_hints_are_passed_on(self, world, name, hints):
        world.send('POST', '/servers', {'server': BARE, name: hints}, '2.93', status=202)
        assert recorded(world)['web'].scheduler_hints == hints

    @pytest.mark.parametrize(
        'hints',
        [
            {'group': 'no-id'},
            {'group': [GROUP_ID]},
            {'same_host': 1},
            {'different_host': [1]},
            {'build_near_host_ip': 'near'},
            {'cidr': '24'},
            {'query': 1},
            {'target_cell': ''},
        ],
    )
    def test_those_that_are_known_are_checked(self, world, hints):
        assert refused(world, hints=hints)[0] == 400


class TestQuotas:
    def limit(self, world, user_id=None, **limits):
        with world.databases.api.writing() as tx:
            if user_id:
                quotas.set_user_limits(tx, 'demo', user_id, limits)
            else:
                quotas.set_project_limits(tx, 'demo', limits)

    def test_all_that_is_exceeded_is_named(self, world):
        self.limit(world, cores=5, ram=5000)
        create(world, flavorRef='big')
        assert refused(world, flavorRef='big') == (
            403,
            'Quota exceeded for cores, ram: Requested 4, 4096, but already used 4, 4096 of 5, 5000 cores, ram',
        )

    def test_a_users_limit_counts_what_the_user_has(self, world):
        self.limit(world, instances=3)
        self.limit(world, 'alice', instances=1)
        with world.databases.api.writing() as tx:
            mappings.create(tx, CELL_ID, 'demo', 'max', vcpus=1, memory_mb=1)
        create(world)
        assert refused(world) == (
            403,
            'Quota exceeded for instances: Requested 1, but already used 1 of 1 instances',
        )
        create(world, token='manager')
        assert refused(world, token='manager') == (
            403,
            'Quota exceeded for instances: Requested 1, but already used 3 of 3 instances',
        )

    def test_a_user_can_have_no_limit_where_the_project_has_one(self, world):
        self.limit(world, instances=1)
        self.limit(world, 'alice', instances=-1)
        create(world)
        assert refused(world)[0] == 403

    def test_classes_stand_above_options_and_projects_above_classes(self, world):
        with world.databases.api.writing() as tx:
            quotas.set_class_limits(tx, 'default', {'instances': 1})
        create(world)
        assert refused(world)[0] == 403
        self.limit(world, instances=2)
        create(world)
        assert refused(world)[0] == 403

    def test_unlimited_is_unlimited(self, world):
        self.limit(world, instances=-1, cores=-1, ram=-1)
        create(world, min_count=30)

    def test_nothing_is_limited_where_the_operator_says_so(self, tmp_path, template):
        world = World(tmp_path, template, quota_driver='nova.quota.NoopQuotaDriver')
        add_group(world)
        create(world, min_count=30, hints={'group': GROUP_ID})
        assert members(world) == 30
        world.databases.close()


class TestFilesAndPasswords:
    def ask(self, world, **body):
        asked = {name: value for name, value in {**BARE, **body}.items() if name != 'networks'}
        return world.request('POST', '/servers', {'server': asked}, '2.1')

    def test_files_reach_the_request_without_line_breaks(self, world):
        text = base64.b64encode(b'hello').decode()
        answer = self.ask(world, personality=[{'path': '/etc/banner', 'contents': f'{text[:4]} \n{text[4:]}'}])
        assert answer.status_int == 202
        (file,) = recorded(world)['web'].files
        assert (file.path, base64.b64decode(file.contents)) == ('/etc/banner', b'hello')

    @pytest.mark.parametrize(
        ('files', 'status', 'text'),
        [
            ([{'path': '/a', 'contents': 'AA=='}] * 6, 403, 'Personality file limit exceeded'),
            ([{'path': 'x' * 256, 'contents': 'AA=='}], 403, 'Personality file path exceeds maximum 255'),
            ([{'path': '/a', 'contents': 'AAAA' * 3414}], 403, 'Personality file content exceeds maximum 10240'),
            ([{'path': '/a', 'contents': 'no base64!'}], 400, 'Invalid input for field/attribute contents.'),
            ([{'contents': 'AA=='}], 400, 'Invalid input for field/attribute personality'),
            ([{'path': '/a', 'contents': 'AA==', 'mode': 1}], 400, 'Additional properties are not allowed'),
        ],
    )
    def test_files_are_bounded(self, world, files, status, text):
        answer = self.ask(world, personality=files)
        (particulars,) = answer.json.values()
        assert particulars['message'].startswith(text)
        assert answer.status_int == status

    def test_the_password_is_for_the_guest_and_its_owner(self, world):
        shown = create(world)['server']['adminPass']
        assert recorded(world)['web'].admin_password == shown
        assert 'adminPass' not in world.get(f'/servers/{building(world)[0].id}')['server']

    def test_an_operator_can_keep_passwords_out_of_answers(self, tmp_path, template):
        world = World(tmp_path, template, enable_instance_password=False)
        assert 'adminPass' not in create(world, adminPass='mine')['server']
        assert recorded(world)['web'].admin_password == 'mine'
        world.databases.close()


class TestOtherAddresses:
    def test_servers_can_be_asked_for_where_volumes_were_booted(self, world):
        created = world.send('POST', '/os-volumes_boot', {'server': BARE}, '2.93', status=202)['server']
        path = f'/os-volumes_boot/{created["id"]}'
        assert created['links'][0]['href'].endswith(f'/servers/{created["id"]}')
        assert world.get(path)['server']['id'] == created['id']
        assert [server['id'] for server in world.get('/os-volumes_boot/detail')['servers']] == [created['id']]
        assert len(world.get('/os-volumes_boot')['servers']) == 1
        assert world.request('DELETE', path).status_int == 204

    def test_what_servers_have_below_them_is_not_there(self, world):
        server = world.server()
        assert world.request('GET', f'/os-volumes_boot/{server.id}/ips').status_int == 404
        assert world.request('POST', f'/os-volumes_boot/{server.id}/action', {'lock': None}).status_int == 400

    def legacy(self, world, body):
        headers = {'X-Auth-Token': 'member', 'Content-Type': 'application/json'}
        return webob.Request.blank('/v2/servers', headers=headers, json_body=body, method='POST').get_response(
            world.app
        )

    def test_the_old_version_ignores_what_it_does_not_know(self, world):
        later = {
            'tags': 1,
            'host': 'compute',
            'hostname': 'other',
            'description': ['x'],
            'trusted_image_certificates': 1,
        }
        network = world.network.add_network('demo')
        networks = [{'uuid': network.id, 'tag': 'later', 'extra': {}}]
        body = {**BARE, **later, 'name': ' web ', 'unknown': {}, 'networks': networks}
        answer = self.legacy(world, {'server': body, 'unknown': 1})
        assert answer.status_int == 202, answer.text
        request = recorded(world)['web']
        assert (request.tags, request.host, request.hostname, request.description) == ((), None, 'web', 'web')
        assert request.networks[0].tag is None
        assert '/v2/' in answer.json['server']['links'][0]['href']

    @pytest.mark.parametrize(
        'wrong',
        [{'name': ' '}, {'min_count': 0}, {'metadata': {'k' * 256: 'v'}}, {'flavorRef': None}, {'networks': 'auto'}],
    )
    def test_what_it_knows_it_checks(self, world, wrong):
        body = {name: value for name, value in BARE.items() if name != 'networks'}
        assert self.legacy(world, {'server': body | wrong}).status_int == 400

    def test_the_new_version_is_strict(self, world):
        body = {name: value for name, value in BARE.items() if name != 'networks'}
        assert world.request('POST', '/servers', {'server': body, 'unknown': 1}).status_int == 400
        assert world.request('POST', '/servers', {'server': body | {'tags': []}}).status_int == 400
