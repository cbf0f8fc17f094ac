"""Creating servers in a whole cloud: groups keep their rules, disks are noted, and what is secret is forgotten."""

import base64
import collections
import json

import pytest

from nova.db.stores import block_devices, operations, server_groups
from tests.functional.client import IMAGE_ID
from tests.functional.cloud import PLENTY

ROOT = {'source_type': 'image', 'destination_type': 'local', 'uuid': IMAGE_ID, 'boot_index': 0}


def group(api, policy, version='2.64', **rules):
    body = {'name': 'group', 'policy': policy} | ({'rules': rules} if rules else {})
    return api.post('/os-server-groups', {'server_group': body}, version, status=200)['server_group']['id']


def members(cloud, group_id):
    with cloud.databases.api.reading() as tx:
        return server_groups.count_members(tx, group_id)


def hosts_of(cloud, server_ids):
    """How many of the servers each host has; those that found none are under None."""
    admin = cloud.api('admin')
    return collections.Counter(admin.wait(server_id)['OS-EXT-SRV-ATTR:host'] for server_id in server_ids)


class TestGroups:
    @pytest.mark.every_database
    def test_members_are_kept_apart(self, cloud):
        api = cloud.api()
        group_id = group(api, 'anti-affinity')
        server_ids = [api.create(hints={'group': group_id}) for _number in range(3)]
        found = hosts_of(cloud, server_ids)
        assert found == {'h1': 1, 'h2': 1, None: 1}
        for server_id in server_ids:
            api.delete(f'/servers/{server_id}')
            assert api.wait(server_id) is None
        assert members(cloud, group_id) == 0
        assert cloud.left() == {}

    def test_members_are_kept_together(self, cloud):
        api = cloud.api()
        group_id = group(api, 'affinity')
        server_ids = [api.create(hints={'group': group_id}) for _number in range(4)]
        assert sorted(hosts_of(cloud, server_ids).values()) == [4]

    def test_a_rule_lets_some_be_on_one_host(self, cloud):
        api = cloud.api()
        group_id = group(api, 'anti-affinity', max_server_per_host=2)
        server_ids = [api.create(hints={'group': group_id}) for _number in range(5)]
        assert hosts_of(cloud, server_ids) == {'h1': 2, 'h2': 2, None: 1}

    @pytest.mark.parametrize(('policy', 'spread'), [('anti-affinity', [1, 1]), ('soft-anti-affinity', [1, 1])])
    def test_those_that_are_made_together_keep_the_rule(self, cloud, policy, spread):
        api = cloud.api()
        group_id = group(api, policy)
        api.create(hints={'group': group_id}, min_count=2)
        cloud.settle()
        server_ids = [server['id'] for server in api.get('/servers')['servers']]
        assert sorted(hosts_of(cloud, server_ids).values()) == spread

    def test_a_server_that_is_deleted_while_it_is_made_leaves_its_group(self, make_cloud):
        cloud = make_cloud(host_names=('h1',))
        api = cloud.api()
        group_id = group(api, 'affinity')
        with cloud.paused(cloud.hosts['h1'].driver, 'ensure') as gate:
            server_id = api.create(hints={'group': group_id})
            gate.wait()
            assert members(cloud, group_id) == 1
            api.delete(f'/servers/{server_id}')
        cloud.settle()
        assert members(cloud, group_id) == 0
        assert cloud.left() == {}

    def test_a_full_group_takes_no_more(self, make_cloud):
        cloud = make_cloud(quotas=PLENTY | {'server_group_members': 2})
        api = cloud.api()
        group_id = group(api, 'soft-affinity')
        api.create(hints={'group': group_id}, min_count=1, max_count=5)
        cloud.settle()
        assert members(cloud, group_id) == 2


@pytest.mark.every_database
def test_disks_are_noted_with_the_server(cloud):
    api = cloud.api()
    server_id = api.create('2.42', block_device_mapping_v2=[{**ROOT, 'tag': 'system', 'device_name': 'vda'}])
    assert api.wait(server_id)['status'] == 'ACTIVE'
    with cloud.databases.own.reading() as tx:
        (disk,) = block_devices.of_server(tx, server_id)
    assert (disk.image_id, disk.boot_index, disk.tag, disk.device_name) == (IMAGE_ID, 0, 'system', 'vda')
    assert len(disk.id) == 36


def test_files_and_password_reach_the_guest_and_are_forgotten(cloud):
    given = []
    for host in cloud.hosts.values():
        host.driver.ensure = lambda guest, source, files, ensure=host.driver.ensure: (
            given.append(files) or ensure(guest, source, files)
        )
    api = cloud.api()
    contents = base64.b64encode(b'no trespassing\n').decode()
    files = [{'path': '/etc/banner', 'contents': contents}, {'path': '/etc/motd', 'contents': ''}]
    server = {
        'name': 'web',
        'imageRef': IMAGE_ID,
        'flavorRef': 'small',
        'adminPass': 'open-sesame',
        'personality': files,
    }
    server_id = api.post('/servers', {'server': server}, '2.1')['server']['id']
    shown = api.wait(server_id)
    assert (shown['status'], shown['config_drive']) == ('ACTIVE', '')
    (drive,) = given
    about = json.loads(drive['openstack/latest/meta_data.json'])
    assert about['admin_pass'] == 'open-sesame'
    assert about['files'] == [
        {'content_path': '/content/0000', 'path': '/etc/banner'},
        {'content_path': '/content/0001', 'path': '/etc/motd'},
    ]
    assert (drive['openstack/content/0000'], drive['openstack/content/0001']) == (b'no trespassing\n', b'')
    with cloud.databases.api.reading() as tx:
        kept = str(operations.of_server(tx, server_id))
    assert 'open-sesame' not in kept
    assert contents not in kept


def test_a_full_host_name_is_the_guests_own(cloud):
    api = cloud.api()
    server_id = api.create('2.94', hostname='web.example.com', networks='none')
    assert api.wait(server_id, '2.94')['OS-EXT-SRV-ATTR:hostname'] == 'web.example.com'


def test_volumes_are_told_to_be_missing_before_anything_is_made(cloud):
    api = cloud.api()
    volume = {'source_type': 'blank', 'destination_type': 'volume', 'volume_size': 1}
    body = {'name': 'web', 'imageRef': IMAGE_ID, 'flavorRef': 'small', 'networks': 'none'}
    body['block_device_mapping_v2'] = [ROOT, volume]
    assert api.fault('POST', '/servers', {'server': body}, '2.37')[0] == 501
    assert cloud.left() == {}
