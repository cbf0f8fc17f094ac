"""What Compute passes on to the image, network and volume services, on a whole cloud, until the versions that ended it."""

import pytest

from nova.db.stores import servers
from tests.functional.client import IMAGE_ID
from tests.published import differences, sample

NOWHERE = '11111111-2222-3333-4444-555555555555'


@pytest.fixture
def net(cloud):
    """A network of the member's project."""
    return cloud.network.add_network('demo')


@pytest.fixture
def server(cloud, net):
    api = cloud.api()
    server_id = api.create(networks=[{'uuid': net.id}])
    api.wait(server_id)
    return server_id


def act(api, server_id, action, version='2.43', status=202, **fields):
    return api.post(f'/servers/{server_id}/action', {action: fields}, version, status)


def refused(api, server_id, action, version='2.43', **fields):
    return api.fault('POST', f'/servers/{server_id}/action', {action: fields}, version)


def addresses(api, server_id, kind):
    shown = api.server(server_id)['addresses']
    return [entry['addr'] for entries in shown.values() for entry in entries if entry['OS-EXT-IPS:type'] == kind]


# Images


def test_images_are_shown_in_the_old_form(cloud):
    api = cloud.api()
    cloud.glance.add(
        b'x' * 10, name='mine', owner='demo', visibility='private', architecture='x86_64', auto_disk_config='True',
        kernel_id='a', ramdisk_id='b', id='70a599e0-31e7-49b7-b260-868f441e8620',
    )  # fmt: skip
    listed = api.get('/images', '2.35')
    assert [image['name'] for image in listed['images']] == ['mine', 'tiny']
    assert differences(listed, sample('images/images-list-get-resp.json')) == []
    shown = api.get('/images/70a599e0-31e7-49b7-b260-868f441e8620')
    assert differences(shown, sample('images/image-get-resp.json')) == []
    assert (shown['image']['status'], shown['image']['progress'], shown['image']['OS-DCF:diskConfig']) == (
        'ACTIVE',
        100,
        'AUTO',
    )
    assert shown['image']['links'][2]['href'] == f'http://glance.test/images/{shown["image"]["id"]}'
    detailed = api.get('/images/detail')
    assert detailed['images'][0] == shown['image']
    assert cloud.api('stranger').get('/images')['images'][0]['name'] == 'tiny'
    assert cloud.api('stranger').fault('GET', f'/images/{shown["image"]["id"]}') == (404, 'Image not found.')


@pytest.mark.parametrize(
    ('query', 'names'),
    [
        ('', 'dcba'),
        ('name=a', 'a'),
        ('status=ACTIVE', 'dba'),
        ('status=saving', 'c'),
        ('server=http://compute/servers/s-1', 'b'),
        ('type=snapshot', 'b'),
        ('minRam=64', 'd'),
        ('minDisk=2', 'd'),
        ('property-color=red', 'a'),
        ('changes-since=2026-02-01T00:00:00Z', 'd'),
        ('nonsense=1', 'dcba'),
        ('limit=0', ''),
    ],
)
def test_images_are_filtered_by_the_old_names(cloud, query, names):
    cloud.glance.images.clear()
    cloud.glance.add(name='a', color='red')
    cloud.glance.add(name='b', instance_uuid='s-1', image_type='snapshot')
    cloud.glance.add(name='c', status='queued')
    cloud.glance.add(name='d', min_ram=64, min_disk=2, updated_at='2026-03-01T00:00:00Z')
    shown = cloud.api().get(f'/images/detail?{query}')['images']
    assert ''.join(image['name'] for image in shown) == names
    assert all(('server' in image) == (image['name'] == 'b') for image in shown)


def test_images_come_in_pages(cloud):
    api = cloud.api()
    for number in range(60):
        cloud.glance.add(name=f'i{number}')
    assert len(api.get('/images')['images']) == 61
    seen, path = [], '/images?limit=30'
    while path:
        page = api.get(path)
        seen += [image['id'] for image in page['images']]
        path = page['images_links'][0]['href'].partition('/v2.1')[2] if 'images_links' in page else None
    assert len(seen) == len(set(seen)) == 61
    sentence = 'The image service refuses this: No image found with ID nonsense'
    assert api.fault('GET', '/images?marker=nonsense') == (400, sentence)
    assert api.fault('GET', '/images?changes-since=yesterday')[0] == 400


def test_an_image_is_deleted_by_who_may(cloud):
    mine = cloud.glance.add(owner='demo')
    cloud.api().delete(f'/images/{mine}')
    assert mine not in cloud.glance.images
    assert cloud.api().fault('DELETE', f'/images/{IMAGE_ID}') == (403, 'You are not allowed to delete the image.')
    assert cloud.api().fault('DELETE', f'/images/{mine}')[0] == 404


def test_metadata_of_an_image(cloud):
    image_id = cloud.glance.add(owner='demo', kernel_id='nokernel', architecture='x86_64')
    api, path = cloud.api(), f'/images/{image_id}/metadata'
    assert api.get(path, '2.38') == {'metadata': {'kernel_id': 'nokernel', 'architecture': 'x86_64'}}
    merged = api.post(path, sample('images/image-metadata-post-req.json'), status=200)
    assert merged['metadata'] == {'kernel_id': 'False', 'Label': 'UpdatedImage', 'architecture': 'x86_64'}
    assert api.put(path, sample('images/image-metadata-put-req.json')) == sample('images/image-metadata-put-resp.json')
    body = sample('images/image-meta-key-put-req.json')
    assert api.put(f'{path}/auto_disk_config', body) == sample('images/image-meta-key-put-resp.json')
    assert api.get(f'{path}/auto_disk_config') == body
    assert api.fault('PUT', f'{path}/other', body) == (400, 'Request body and URI mismatch')
    api.delete(f'{path}/Label')
    assert api.fault('DELETE', f'{path}/Label')[0] == api.fault('GET', f'{path}/Label')[0] == 404
    assert api.get(path)['metadata'] == {'auto_disk_config': 'False'}


@pytest.mark.parametrize('key', ['visibility', 'owner', 'status', 'id'])
def test_metadata_does_not_change_the_image_itself(cloud, key):
    image_id = cloud.glance.add(owner='demo', visibility='private')
    status, sentence = cloud.api().fault('POST', f'/images/{image_id}/metadata', {'metadata': {key: 'public'}})
    assert status == 400
    assert sentence.startswith(f'{key} is not metadata')


def test_metadata_of_foreign_images_and_too_much_of_it_is_refused(cloud):
    api, mine = cloud.api(), cloud.glance.add(owner='demo')
    assert api.fault('POST', f'/images/{IMAGE_ID}/metadata', {'metadata': {'a': 'b'}})[0] == 403
    many = {'metadata': {f'k{number}': 'v' for number in range(129)}}
    for method in ('POST', 'PUT'):
        assert api.fault(method, f'/images/{mine}/metadata', many)[0] == 403
    assert api.fault('GET', f'/images/{NOWHERE}/metadata')[0] == 404


# Networks


def test_networks_are_shown_in_both_old_forms(cloud, net):
    cloud.network.add_network('other')
    admins = cloud.network.add_network('admin-project', 'admins')
    listed = cloud.api('admin').get('/os-networks', '2.35')
    assert [network['id'] for network in listed['networks']] == [admins.id]
    assert differences(listed, sample('os-networks/networks-list-resp.json')) == []
    shown = cloud.api().get(f'/os-networks/{net.id}')['network']
    assert (shown['id'], shown['label'], 'vlan' in shown) == (net.id, 'private', False)
    own = cloud.api().get('/os-tenant-networks')
    assert own == {'networks': [{'id': net.id, 'label': 'private', 'cidr': 'None'}]}
    assert cloud.api().get(f'/os-tenant-networks/{net.id}') == {'network': own['networks'][0]}
    assert cloud.api().get('/os-tenant-networks?offset=1')['networks'] == []
    for path in ('os-networks', 'os-tenant-networks'):
        assert cloud.api().fault('GET', f'/{path}/{NOWHERE}') == (404, 'Network not found')
        assert cloud.api('stranger').fault('GET', f'/{path}/{net.id}')[0] == 404


def test_floating_addresses_are_taken_and_given_back(cloud):
    cloud.network.add_pool('public')
    api = cloud.api()
    assert api.get('/os-floating-ip-pools') == {'floating_ip_pools': [{'name': 'public'}]}
    made = api.post('/os-floating-ips', sample('os-floating-ips/floating-ips-create-req.json'), status=200)
    assert differences(made, sample('os-floating-ips/floating-ips-create-resp.json')) == []
    path = f'/os-floating-ips/{made["floating_ip"]["id"]}'
    assert api.get(path) == made
    assert api.get('/os-floating-ips', '2.35') == {'floating_ips': [made['floating_ip']]}
    assert cloud.api('stranger').get('/os-floating-ips') == sample('os-floating-ips/floating-ips-list-empty-resp.json')
    assert cloud.api('stranger').fault('DELETE', path)[0] == 404
    api.delete(path, status=202)
    status, sentence = api.fault('GET', path)
    assert status == 404
    assert sentence.startswith('Floating IP not found for ID')


@pytest.mark.parametrize('body', [None, {}, {'pool': None}])
def test_the_pool_may_be_left_to_the_cloud(make_cloud, body):
    cloud = make_cloud(default_floating_pool='outside')
    assert cloud.api().fault('POST', '/os-floating-ips', body) == (404, 'Floating IP pool not found.')
    cloud.network.add_pool('outside', '203.0.113.0/29')
    assert cloud.api().post('/os-floating-ips', body, status=200)['floating_ip']['pool'] == 'outside'
    statuses = {cloud.api().ask('POST', '/os-floating-ips', body).status_int for _ in range(8)}
    assert statuses == {200, 404}


def test_security_groups(cloud):
    api = cloud.api()
    (default,) = api.get('/os-security-groups')['security_groups']
    assert default['name'] == 'default'
    assert [rule['group'] for rule in default['rules']] == [{'name': 'default', 'tenant_id': 'demo'}] * 2
    made = api.post('/os-security-groups', sample('os-security-groups/security-group-post-req.json'), status=200)
    assert differences(made, sample('os-security-groups/security-groups-create-resp.json')) == []
    group = made['security_group']
    path = f'/os-security-groups/{group["id"]}'
    assert api.get(path, '2.35') == made
    changed = api.put(path, {'security_group': {'name': 'new', 'description': ''}})['security_group']
    assert (changed['name'], changed['description']) == ('new', '')
    assert [group['name'] for group in api.get('/os-security-groups')['security_groups']] == ['default', 'new']
    assert len(api.get('/os-security-groups?limit=1&offset=1')['security_groups']) == 1
    assert cloud.api('stranger').fault('GET', path)[0] == 404
    everybodys = cloud.api('admin').get('/os-security-groups?all_tenants=1')['security_groups']
    assert group['id'] in [group['id'] for group in everybodys]
    api.delete(path, status=202)
    assert api.fault('GET', path) == (404, f'Security group {group["id"]} not found.')


@pytest.mark.parametrize(
    ('method', 'path', 'body'),
    [
        ('GET', '/os-security-groups/5', None),
        ('POST', '/os-security-groups', {'security_group': {'name': 'default', 'description': ''}}),
        ('POST', '/os-security-groups', {'security_group': {'name': ' ', 'description': ''}}),
        ('POST', '/os-security-groups', {'security_group': {'name': 'x' * 256, 'description': ''}}),
        ('POST', '/os-security-groups', {'security_group': {'description': ''}}),
        ('PUT', '/os-security-groups/{default}', {'security_group': {'name': 'x', 'description': ''}}),
        ('DELETE', '/os-security-groups/{default}', None),
        ('DELETE', '/os-security-group-rules/5', None),
    ],
)
def test_bad_requests_for_security_groups(cloud, method, path, body):
    (default,) = cloud.api().get('/os-security-groups')['security_groups']
    assert cloud.api().fault(method, path.replace('{default}', default['id']), body)[0] == 400


@pytest.mark.parametrize(
    ('asked', 'shown'),
    [
        ({'ip_protocol': 'TCP', 'from_port': '22', 'to_port': 22}, ('tcp', 22, 22, {'cidr': '0.0.0.0/0'})),
        (
            {'ip_protocol': 'udp', 'from_port': -1, 'to_port': -1, 'cidr': 'fe80::1/64'},
            ('udp', 1, 65535, {'cidr': 'fe80::/64'}),
        ),
        ({'ip_protocol': 'icmp', 'from_port': -1, 'to_port': -1}, ('icmp', -1, -1, {'cidr': '0.0.0.0/0'})),
        ({'ip_protocol': 'icmp', 'from_port': 8, 'to_port': 0}, ('icmp', 8, 0, {'cidr': '0.0.0.0/0'})),
        ({'group_id': '{default}'}, (None, None, None, {})),
        ({'group_id': '{default}', 'ip_protocol': 'tcp'}, ('tcp', 1, 65535, {})),
    ],
)
def test_rules_of_security_groups(cloud, asked, shown):
    api = cloud.api()
    (default,) = api.get('/os-security-groups')['security_groups']
    group = api.post('/os-security-groups', {'security_group': {'name': 'a', 'description': 'b'}}, status=200)
    parent = group['security_group']['id']
    body = {'parent_group_id': parent} | {
        name: default['id'] if value == '{default}' else value for name, value in asked.items()
    }
    made = api.post('/os-security-group-rules', {'security_group_rule': body}, status=200)['security_group_rule']
    assert (made['ip_protocol'], made['from_port'], made['to_port'], made['ip_range']) == shown
    assert made['group'] == ({'name': 'default', 'tenant_id': 'demo'} if 'group_id' in asked else {})
    if 'cidr' in made['ip_range'] and made['ip_protocol'] == 'tcp':
        published = sample('os-security-groups/security-group-rules-post-resp.json')
        assert differences({'security_group_rule': made}, published) == []
    assert api.get(f'/os-security-groups/{parent}')['security_group']['rules'] == [made]
    assert api.fault('POST', '/os-security-group-rules', {'security_group_rule': body})[0] == 400
    api.delete(f'/os-security-group-rules/{made["id"]}', status=202)
    assert api.fault('DELETE', f'/os-security-group-rules/{made["id"]}')[0] == 404


@pytest.mark.parametrize(
    ('asked', 'status'),
    [
        ({}, 400),
        ({'ip_protocol': 'tcp'}, 400),
        ({'ip_protocol': 'tcp', 'from_port': 22, 'to_port': 21}, 400),
        ({'ip_protocol': 'tcp', 'from_port': 1, 'to_port': 65536}, 400),
        ({'ip_protocol': 'tcp', 'from_port': 1, 'to_port': '99999'}, 400),
        ({'ip_protocol': '../x', 'from_port': 1, 'to_port': 1}, 400),
        ({'ip_protocol': 'tcp', 'from_port': 1, 'to_port': 1, 'cidr': 'everywhere'}, 400),
        ({'parent_group_id': 5, 'group_id': NOWHERE}, 400),
        ({'parent_group_id': NOWHERE, 'group_id': NOWHERE}, 404),
        ({'group_id': NOWHERE}, 404),
        ({'group_id': [1]}, 400),
    ],
)
def test_rules_that_make_no_sense(cloud, asked, status):
    (default,) = cloud.api().get('/os-security-groups')['security_groups']
    body = {'security_group_rule': {'parent_group_id': default['id']} | asked}
    assert cloud.api().fault('POST', '/os-security-group-rules', body)[0] == status


# Volumes


def test_volumes(cloud):
    api = cloud.api()
    cloud.cinder.zones.add('dublin')
    made = api.post('/os-volumes', sample('os-volumes/os-volumes-post-req.json'), status=200)['volume']
    path = f'/os-volumes/{made["id"]}'
    assert made['attachments'] == [{}]
    assert (made['size'], made['displayName'], made['availabilityZone']) == (100, 'Volume Name', 'dublin')
    cloud.cinder.attach(made['id'], 's-1')
    shown = api.get(path, '2.35')
    assert differences(shown, sample('os-volumes/os-volumes-get-resp.json'), frozenset({'metadata'})) == []
    assert shown['volume']['attachments'][0]['serverId'] == 's-1'
    other = cloud.cinder.add('demo', 2, metadata={'a': 'b'})
    cloud.cinder.add('other')
    for listing in ('/os-volumes', '/os-volumes/detail'):
        assert [volume['id'] for volume in api.get(listing)['volumes']] == [other, made['id']]
        assert [volume['id'] for volume in api.get(f'{listing}?limit=1&offset=1')['volumes']] == [made['id']]
        assert api.get(f'{listing}?limit=0')['volumes'] == []
    assert api.fault('DELETE', path)[0] == 400
    api.delete(f'/os-volumes/{other}', status=202)
    assert api.fault('GET', f'/os-volumes/{other}') == (404, f'Volume {other} could not be found.')
    assert cloud.api('stranger').fault('GET', path)[0] == 404


@pytest.mark.parametrize(
    ('fields', 'status'),
    [
        ({}, 400),
        ({'size': 0}, 400),
        ({'size': 'large'}, 400),
        ({'size': '99999999999'}, 400),
        ({'size': 1, 'display_name': 5}, 400),
        ({'size': 1, 'metadata': {'a': 5}}, 400),
        ({'size': 1, 'snapshot_id': NOWHERE}, 404),
        ({'size': 1, 'volume_type': 'gold'}, 404),
        ({'size': 1, 'availability_zone': 'moon'}, 400),
    ],
)
def test_volumes_that_cannot_be(cloud, fields, status):
    assert cloud.api().fault('POST', '/os-volumes', {'volume': fields})[0] == status


def test_volumes_are_limited_by_their_own_quota(cloud):
    cloud.cinder.quota = 1
    cloud.api().post('/os-volumes', {'volume': {'size': '1', 'metadata': None}}, status=200)
    status, sentence = cloud.api().fault('POST', '/os-volumes', {'volume': {'size': 1}})
    assert status == 403
    assert 'VolumeLimitExceeded' in sentence


def test_snapshots(cloud):
    api, volume_id = cloud.api(), cloud.cinder.add('demo', 100)
    body = sample('os-snapshots/snapshot-create-req.json')
    body['snapshot']['volume_id'] = volume_id
    made = api.post('/os-snapshots', body, status=200)
    assert differences(made, sample('os-snapshots/snapshot-create-resp.json')) == []
    path = f'/os-snapshots/{made["snapshot"]["id"]}'
    assert api.get(path) == made
    for listing in ('/os-snapshots', '/os-snapshots/detail'):
        assert api.get(listing, '2.35') == {'snapshots': [made['snapshot']]}
    assert cloud.api('stranger').fault('GET', path)[0] == 404
    api.delete(path, status=202)
    assert api.fault('DELETE', path)[0] == 404


def test_a_snapshot_of_a_volume_in_use_is_forced(cloud):
    volume_id = cloud.cinder.add('demo')
    cloud.cinder.attach(volume_id, 's-1')
    asked = {'volume_id': volume_id}
    assert cloud.api().fault('POST', '/os-snapshots', {'snapshot': asked})[0] == 400
    cloud.api().post('/os-snapshots', {'snapshot': asked | {'force': 'True'}}, status=200)
    assert cloud.api().fault('POST', '/os-snapshots', {'snapshot': {'volume_id': NOWHERE}})[0] == 404


@pytest.mark.parametrize('path', ['/os-volumes', '/os-snapshots/detail', f'/os-volumes/{NOWHERE}'])
def test_a_cloud_without_volumes_says_so(cloud, path):
    cloud.cinder.missing = True
    status, sentence = cloud.api().fault('GET', path)
    assert status == 503
    assert sentence.startswith('This cloud has no volume service')


# When neighbours are away, and when the calls have ended


@pytest.mark.parametrize('path', ['/images', '/os-networks', '/os-floating-ips', '/os-security-groups', '/os-volumes'])
def test_a_neighbour_that_is_away_is_503(cloud, path):
    cloud.glance.away = cloud.cinder.away = True
    cloud.away.add('network')
    assert cloud.api().fault('GET', path)[0] == 503


@pytest.mark.parametrize(
    ('method', 'path', 'last'),
    [
        ('GET', '/images', 35),
        ('GET', f'/images/{IMAGE_ID}/metadata', 38),
        ('GET', '/os-networks', 35),
        ('GET', '/os-tenant-networks', 35),
        ('GET', '/os-floating-ip-pools', 35),
        ('GET', '/os-floating-ips', 35),
        ('GET', '/os-security-groups', 35),
        ('GET', '/os-volumes/detail', 35),
        ('GET', '/os-snapshots', 35),
    ],
)
def test_calls_end_with_their_versions(cloud, method, path, last):
    assert cloud.api().ask(method, path, version=f'2.{last}').status_int == 200
    assert cloud.api().fault(method, path, version=f'2.{last + 1}')[0] == 404


def test_bare_metal_nodes_are_not_here(cloud):
    admin, path = cloud.api('admin'), f'/os-baremetal-nodes/{NOWHERE}'
    assert admin.fault('GET', '/os-baremetal-nodes')[0] == admin.fault('GET', path)[0] == 501
    assert cloud.api().fault('GET', path)[0] == 403
    for method, where, body in (
        ('POST', '/os-baremetal-nodes', {'node': {}}),
        ('DELETE', path, None),
        ('POST', f'{path}/action', {'add_interface': {'address': 'a'}}),
        ('POST', f'{path}/action', {'remove_interface': {'address': 'a'}}),
    ):
        status, sentence = cloud.api().fault(method, where, body)
        assert (status, sentence[:22]) == (400, 'Command Not supported.')
    assert admin.fault('GET', path, version='2.36')[0] == 404


# What servers have of the network


def test_a_server_gets_a_floating_address_and_loses_it(cloud, server):
    cloud.network.add_pool()
    api = cloud.api()
    floating = api.post('/os-floating-ips', {'pool': 'public'}, status=200)['floating_ip']
    act(api, server, 'addFloatingIp', address=floating['ip'])
    assert addresses(api, server, 'floating') == [floating['ip']]
    shown = api.get(f'/os-floating-ips/{floating["id"]}')['floating_ip']
    assert shown['instance_id'] == server
    assert [shown['fixed_ip']] == addresses(api, server, 'fixed')
    act(api, server, 'removeFloatingIp', address=floating['ip'])
    assert addresses(api, server, 'floating') == []
    sentence = f'Floating IP {floating["ip"]} is not associated with instance {server}.'
    assert refused(api, server, 'removeFloatingIp', address=floating['ip']) == (409, sentence)


def test_a_floating_address_moves_from_one_server_to_another(cloud, net, server):
    cloud.network.add_pool()
    api = cloud.api()
    other = api.create(networks=[{'uuid': net.id}])
    api.wait(other)
    address = api.post('/os-floating-ips', {'pool': 'public'}, status=200)['floating_ip']['ip']
    (fixed,) = addresses(api, other, 'fixed')
    act(api, server, 'addFloatingIp', address=address)
    act(api, other, 'addFloatingIp', address=address, fixed_address=fixed)
    assert (addresses(api, server, 'floating'), addresses(api, other, 'floating')) == ([], [address])


def test_floating_addresses_that_cannot_be_given(cloud, server):
    cloud.network.add_pool()
    api = cloud.api()
    mine, second, his = (
        cloud.api(who).post('/os-floating-ips', {'pool': 'public'}, status=200)['floating_ip']['ip']
        for who in ('member', 'member', 'stranger')
    )
    assert refused(api, server, 'addFloatingIp', address=his) == (404, 'floating IP not found')
    assert refused(api, server, 'removeFloatingIp', address=his)[0] == 404
    assert refused(api, server, 'addFloatingIp', address='nonsense')[0] == 400
    assert refused(api, server, 'addFloatingIp', address=mine, fixed_address='10.9.9.9') == (
        400,
        'Specified fixed address not assigned to instance',
    )
    act(api, server, 'addFloatingIp', address=mine)
    assert refused(api, server, 'addFloatingIp', address=second)[0] == 400
    bare = api.create()
    api.wait(bare)
    assert refused(api, bare, 'addFloatingIp', address=second) == (400, 'No fixed IPs associated to instance')


def test_a_server_gets_one_more_fixed_address_and_loses_one(cloud, net, server):
    api = cloud.api()
    (first,) = addresses(api, server, 'fixed')
    act(api, server, 'addFixedIp', networkId=net.id)
    both = addresses(api, server, 'fixed')
    assert len(both) == 2
    act(api, server, 'removeFixedIp', address=first)
    assert addresses(api, server, 'fixed') == [both[1]]
    assert refused(api, server, 'removeFixedIp', address=first)[0] == 400
    assert refused(api, server, 'addFixedIp', networkId=NOWHERE)[0] == 404
    assert refused(api, server, 'addFixedIp')[0] == 400


def test_a_port_keeps_its_tag_and_its_owner_when_addresses_change(cloud, net):
    api, port_id = cloud.api(), cloud.network.add_port('demo', net.id)
    server = api.create('2.42', networks=[{'port': port_id, 'tag': 'front'}])
    api.wait(server)
    act(api, server, 'addFixedIp', networkId=net.id)
    (interface,) = api.get(f'/servers/{server}/os-interface', '2.70')['interfaceAttachments']
    assert interface['tag'] == 'front'
    assert len(interface['fixed_ips']) == 2
    api.delete(f'/servers/{server}')
    cloud.settle()
    assert port_id in cloud.network.ports


def test_a_server_enters_and_leaves_security_groups(cloud, server):
    api = cloud.api()
    group = cloud.network.add_security_group('demo', 'test')
    for version in ('2.1', '2.96'):
        body = sample('os-security-groups/security-group-add-post-req.json')
        api.post(f'/servers/{server}/action', body, version, 202)
        names = [shown['name'] for shown in api.server(server)['security_groups']]
        assert sorted(names) == ['default', 'test']
        (port,) = [port for port in cloud.network.ports.values() if port.server_id == server]
        assert group.id in port.groups
        api.post(f'/servers/{server}/action', sample('os-security-groups/security-group-remove-post-req.json'))
        assert [shown['name'] for shown in api.server(server)['security_groups']] == ['default']
    status, sentence = refused(api, server, 'removeSecurityGroup', name='test')
    assert (status, sentence) == (404, f'Security group test not associated with the instance {server}')
    assert refused(api, server, 'addSecurityGroup', name='nothing')[0] == 404
    cloud.network.add_security_group('demo', 'test')
    assert refused(api, server, 'addSecurityGroup', name='test')[0] == 409


@pytest.mark.parametrize(
    ('action', 'fields'),
    [
        ('addFloatingIp', {'address': '203.0.113.9'}),
        ('removeFloatingIp', {'address': '203.0.113.9'}),
        ('addFixedIp', {'networkId': NOWHERE}),
        ('removeFixedIp', {'address': '10.0.0.9'}),
        ('addSecurityGroup', {'name': 'default'}),
        ('removeSecurityGroup', {'name': 'default'}),
    ],
)
def test_who_may_not_change_what_a_server_has(cloud, server, action, fields):
    stranger, reader = cloud.api('stranger'), cloud.api('reader')
    assert refused(stranger, server, action, **fields)[0] == 404
    assert refused(reader, server, action, **fields)[0] == 403
    with cloud.databases.own.writing() as tx:
        servers.change(tx, server, locked=True)
    assert refused(cloud.api(), server, action, **fields) == (409, f'Instance {server} is locked')
    if action.endswith('Ip'):
        assert refused(cloud.api(), server, action, '2.44', **fields)[0] == 404


def test_a_server_that_is_being_made_is_left_alone(make_cloud):
    cloud = make_cloud(host_names=['h1'])
    api, net = cloud.api(), cloud.network.add_network('demo')
    with cloud.paused(cloud.hosts['h1'].driver, 'ensure') as gate:
        server = api.create(networks=[{'uuid': net.id}])
        gate.wait()
        status, sentence = refused(api, server, 'addFixedIp', networkId=net.id)
        assert status == 409
        assert sentence.startswith(f"Cannot 'addFixedIp' instance {server}")
