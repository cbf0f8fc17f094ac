"""Creating servers: what is asked for becomes requests; what cannot be had is refused before anything is recorded."""

import base64
import dataclasses

import pytest

from nova import errors
from nova.api.resources.servers import names
from nova.db.stores import aggregates, hosts, mappings, operations
from nova.domain.host import HostReport, Inventory
from nova.domain.image import Image
from nova.domain.network import NetworkRequest
from nova.domain.request import placement_request
from tests.unit.api.servers.asking import BARE, create, recorded, refused
from tests.unit.api.servers.world import CELL_ID, GB, IMAGE_ID, NOW, World


def test_a_request_is_recorded_and_told(world):
    user_data = base64.b64encode(b'#!/bin/sh\n' * 20).decode()
    answer = create(
        world,
        flavorRef='http://openstack.example.com/flavors/1',
        key_name='mykey',
        metadata={'role': 'ø'},
        user_data=f'{user_data[:76]}\n{user_data[76:]}',
        config_drive='true',
        availability_zone='nova',
        description='Zwölf',
        tags=['b', 'a'],
        accessIPv4='1.2.3.4',
        hostname='custom',
        hints={'same_host': 'x'},
        **{'OS-DCF:diskConfig': 'AUTO'},
    )['server']
    request = recorded(world)['web']
    assert request.server_id == answer['id']
    assert (request.project_id, request.user_id, request.flavor.name) == ('demo', 'alice', 'm1.tiny')
    assert (request.image_id, request.keypair.public_key) == (IMAGE_ID, 'ssh-rsa AAAA')
    assert request.user_data == user_data
    assert request.config_drive is True
    assert (request.availability_zone, request.host, request.forced) == ('nova', None, False)
    assert (request.description, request.tags, request.hostname) == ('Zwölf', ('b', 'a'), 'custom')
    assert (request.access_ip_v4, request.disk_config, request.metadata) == ('1.2.3.4', 'AUTO', {'role': 'ø'})
    assert request.networks is None
    assert request.security_groups == ()
    assert request.scheduler_hints == {'same_host': 'x'}
    assert request.created_at == NOW
    assert request.reservation_id.startswith('r-')
    with world.databases.api.reading() as tx:
        assert mappings.find(tx, answer['id'])[:3] == (None, 'demo', 'alice')


def test_the_server_can_be_seen_at_once(world):
    created = create(world)['server']
    server = world.get(f'/servers/{created["id"]}', '2.93')['server']
    assert (server['status'], server['OS-EXT-STS:task_state']) == ('BUILD', 'scheduling')
    assert [entry['id'] for entry in world.get('/servers')['servers']] == [created['id']]


def test_a_bus_that_is_away_does_not_lose_the_request(world):
    world.bus.away = True
    created = create(world)['server']
    assert world.get(f'/servers/{created["id"]}')['server']['status'] == 'BUILD'


def test_the_answer_says_where_and_with_which_password(world):
    answer = world.request('POST', '/servers', {'server': {**BARE, 'adminPass': 'mine'}}, '2.93')
    server = answer.json['server']
    assert server['adminPass'] == 'mine'
    assert answer.headers['Location'] == server['links'][0]['href']
    assert len(create(world)['server']['adminPass']) == 12


def test_several_servers_have_names_and_a_reservation_in_common(world):
    answer = create(world, min_count='2', max_count=3, return_reservation_id=True)
    requests = recorded(world)
    assert list(requests) == ['web-1', 'web-2', 'web-3']
    assert [request.launch_index for request in requests.values()] == [0, 1, 2]
    assert [request.hostname for request in requests.values()] == ['web-1', 'web-2', 'web-3']
    assert {request.reservation_id for request in requests.values()} == {answer['reservation_id']}


def test_as_many_as_the_quota_allows_but_not_fewer_than_asked(world):
    assert refused(world, min_count=11)[0] == 403
    create(world, min_count=1, max_count=50)
    assert len(recorded(world)) == 10
    status, message = world.fault('POST', '/servers', {'server': BARE}, '2.93')
    assert status == 403
    assert message.startswith('Quota exceeded for instances')


def test_full_host_names_are_numbered_in_their_first_part(world):
    create(world, '2.94', hostname='web.example.com', min_count=2)
    assert [request.hostname for request in recorded(world).values()] == ['web-1.example.com', 'web-2.example.com']


@pytest.mark.parametrize(
    'hostname', ['a..b', '.a', 'a.', '-a.b', 'a-.b', 'x' * 64 + '.b', 'a_b.c', '.'.join(['x' * 60] * 5)]
)
def test_full_host_names_are_of_labels(world, hostname):
    assert refused(world, '2.94', hostname=hostname)[0] == 400


def test_names_must_leave_room_for_numbers(world):
    assert refused(world, name='x' * 254, min_count=2)[0] == 400
    assert refused(world, hostname='x' * 62, min_count=2)[0] == 400
    create(world, name='x' * 253, min_count=2)


@pytest.mark.parametrize(
    ('scope', 'token', 'status'),
    [('', 'member', 202), ('project', 'member', 409), ('project', 'stranger', 202), ('global', 'stranger', 409)],
)
def test_names_can_have_to_be_unique(tmp_path, template, scope, token, status):
    world = World(tmp_path, template, unique_server_name_scope=scope)
    world.server(name='Wéb (1)')
    create(world, name='web')
    for name in ('Wéb (1)', 'web'):
        assert world.request('POST', '/servers', {'server': {**BARE, 'name': name}}, '2.93', token).status_int == status
    create(world, token=token, name='b (1)')


@pytest.mark.parametrize('away', ['network', 'images'])
def test_a_neighbour_that_is_away_is_said_so(world, away):
    def fail(*arguments, **named):
        raise errors.ServiceDown(f'{away} does not answer')

    if away == 'network':
        world.network.fail_next(errors.ServiceDown('The network service does not answer.'))
    else:
        world.images.get = fail
    assert refused(world, networks='auto')[0] == 503


class TestNetworks:
    def test_the_only_network_is_taken_by_itself(self, world):
        network = world.network.add_network('demo')
        create(world, networks='auto')
        assert recorded(world)['web'].networks == (NetworkRequest(network.id),)
        assert recorded(world)['web'].security_groups == ('default',)

    def test_before_2_37_it_need_not_be_asked_for(self, world):
        network = world.network.add_network('demo')
        body = {name: value for name, value in BARE.items() if name != 'networks'}
        world.send('POST', '/servers', {'server': body}, '2.36', status=202)
        assert recorded(world)['web'].networks == (NetworkRequest(network.id),)

    def test_before_2_37_a_project_without_network_gets_a_server_without(self, world):
        body = {name: value for name, value in BARE.items() if name != 'networks'}
        world.send('POST', '/servers', {'server': body}, '2.1', status=202)
        assert recorded(world)['web'].networks is None

    def test_auto_needs_a_network(self, world):
        assert refused(world, networks='auto')[0] == 400

    def test_several_networks_are_ambiguous(self, world):
        world.network.add_network('demo', 'a')
        world.network.add_network('demo', 'b', '10.1.0.0/24')
        status, message = refused(world, networks='auto')
        assert (status, message) == (
            409, 'Multiple possible networks found, use a Network ID to be more specific.'
        )  # fmt: skip

    def test_networks_ports_and_addresses_are_taken_in_order(self, world):
        network = world.network.add_network('demo')
        port = world.network.add_port('demo', network.id)
        asked = [{'uuid': network.id, 'fixed_ip': '10.0.0.9', 'tag': 'a'}, {'port': port}]
        create(world, networks=asked)
        assert recorded(world)['web'].networks == (
            NetworkRequest(network.id, fixed_ip='10.0.0.9', tag='a'),
            NetworkRequest(port_id=port),
        )

    @pytest.mark.parametrize(
        ('networks', 'extra', 'text'),
        [
            ([{'uuid': '3cb9bc59-5699-4588-a4b1-b87f96708bc6'}], {}, 'could not be found'),
            ([{'uuid': 'not-a-uuid'}], {}, 'Invalid input for field/attribute'),
            ([{}], {}, 'Bad networks format'),
            ([{'port': IMAGE_ID, 'fixed_ip': '10.0.0.1'}], {}, 'specified together'),
            ([{'port': IMAGE_ID}], {'max_count': 2}, 'single configured port ID'),
            ([{'uuid': IMAGE_ID, 'fixed_ip': '10.0.0.1'}], {'min_count': 2}, 'max_count cannot be greater than 1'),
            ([{'uuid': IMAGE_ID, 'tag': 'a'}, {'uuid': CELL_ID, 'tag': 'a'}], {}, 'must be unique'),
            ([{'uuid': 'x'}], {'version': '2.36'}, 'Bad networks format: network uuid is not in proper format (x)'),
        ],
    )
    def test_what_cannot_be_attached_is_refused(self, world, networks, extra, text):
        status, message = refused(world, networks=networks, **extra)
        assert status == 400
        assert text in message

    def test_external_networks_are_for_administrators(self, world):
        network = world.network.add_network('demo')
        world.network.networks[network.id] = dataclasses.replace(network, external=True)
        assert refused(world, networks=[{'uuid': network.id}]) == (
            403,
            f'It is not allowed to create an interface on external network {network.id}',
        )
        create(world, token='owner', networks=[{'uuid': network.id}])

    def test_a_project_without_a_network_gets_one_if_it_asks_for_any(self, world):
        said = 'Unable to automatically allocate a network for project demo: '
        assert refused(world, networks='auto') == (400, f'{said}it has none, and the network service makes none.')
        world.network.fail_next(errors.Conflict('No addresses are left.'), 'allocate')
        assert refused(world, networks='auto') == (400, f'{said}No addresses are left.')
        world.network.makes_networks = True
        create(world, networks='auto')
        create(world, networks='auto', name='second')
        (made,) = world.network.networks
        assert {request.networks for request in recorded(world).values()} == {(NetworkRequest(made),)}

    @pytest.mark.parametrize(('version', 'status'), [('2.1', 400), ('2.71', 400), ('2.72', 501), ('2.96', 501)])
    def test_a_port_that_was_promised_bandwidth_does_not_go_without(self, world, version, status):
        port = world.network.add_port('demo', world.network.add_network('demo').id)
        world.network.promised.add(port)
        assert refused(world, version, networks=[{'port': port}])[0] == status

    def test_an_unknown_security_group_is_refused(self, world):
        world.network.add_network('demo')
        assert refused(world, networks='auto', security_groups=[{'name': 'nothing'}])[0] == 400


class TestPlaces:
    @pytest.fixture(autouse=True)
    def node(self, world):
        report = HostReport('compute', 'node', 'node-id', 'QEMU', 1, Inventory(1, 1, 1))
        with world.databases.cell(CELL_ID).writing() as tx:
            hosts.report(tx, report, NOW)

    def test_administrators_force_a_host(self, world):
        create(world, token='admin', availability_zone='nova:compute:node')
        request = recorded(world)['web']
        assert (request.availability_zone, request.host, request.node) == ('nova', 'compute', 'node')
        assert request.forced is True

    def test_from_2_74_a_host_is_asked_for_and_filtered(self, world):
        create(world, token='admin', host='compute', hypervisor_hostname='node')
        request = recorded(world)['web']
        assert (request.host, request.node, request.forced) == ('compute', 'node', False)

    @pytest.mark.parametrize(
        ('body', 'token', 'status', 'text'),
        [
            ({'availability_zone': 'nova:compute'}, 'member', 403, 'os_compute_api:servers:create:forced_host'),
            ({'host': 'compute'}, 'member', 403, 'compute:servers:create:requested_destination'),
            ({'availability_zone': 'moon'}, 'member', 400, 'The requested availability zone is not available'),
            ({'availability_zone': 'a:b:c:d'}, 'admin', 400, 'Unable to parse availability_zone'),
            ({'availability_zone': 'nova:lost'}, 'admin', 400, 'Compute host lost could not be found.'),
            ({'availability_zone': 'nova:compute', 'host': 'compute'}, 'admin', 400, 'cannot be given together'),
            ({'availability_zone': 'nova:compute:lost'}, 'admin', 400, 'Compute host lost could not be found.'),
            ({'availability_zone': 'nova::node'}, 'member', 403, 'os_compute_api:servers:create:forced_host'),
            ({'hypervisor_hostname': 'lost'}, 'admin', 400, 'Compute host lost could not be found.'),
            ({'hypervisor_hostname': 'node'}, 'member', 403, 'compute:servers:create:requested_destination'),
        ],
    )
    def test_other_places_are_refused(self, world, body, token, status, text):
        answer = refused(world, token=token, **body)
        assert answer[0] == status
        assert text in answer[1]

    def test_zones_are_those_of_aggregates(self, world):
        with world.databases.api.writing() as tx:
            aggregate = aggregates.create(tx, 'a', {'availability_zone': 'moon'})
            aggregates.add_host(tx, aggregate.id, 'compute')
        create(world, availability_zone='moon')
        assert recorded(world)['web'].availability_zone == 'moon'


LARGE = {'size': 2 * GB}


class TestImagesAndFlavors:
    @pytest.mark.parametrize(
        ('image', 'text'),
        [
            ({'status': 'queued'}, f'Image {IMAGE_ID} is not active.'),
            ({'min_memory_mb': 1024}, "Flavor's memory is too small for requested image."),
            (LARGE, f"Flavor's disk is too small for requested image. Flavor disk is {GB} bytes, image is {2 * GB}"),
            ({'virtual_size': 2 * GB}, "Flavor's disk is too small for requested image."),
            ({'min_disk_gb': 2}, "Flavor's disk is smaller than the minimum size specified in image metadata."),
            ({'properties': {'hw_disk_bus': 'tape'}}, "Invalid image metadata. Error: hw_disk_bus is 'tape'"),
            ({'properties': {'hw_architecture': 'abacus'}}, 'Invalid image metadata. Error: hw_architecture'),
            ({'properties': {'hw_cpu_cores': 'many'}}, 'Invalid image metadata. Error: hw_cpu_cores'),
        ],
    )
    def test_an_image_must_fit(self, world, image, text):
        world.images.kept[IMAGE_ID] = dataclasses.replace(Image(IMAGE_ID), **image)
        status, message = refused(world)
        assert status == 400
        assert message.startswith(text)

    @pytest.mark.parametrize(
        ('body', 'status', 'text'),
        [
            ({'flavorRef': 'nothing'}, 400, 'Flavor nothing could not be found.'),
            ({'flavorRef': 'secret'}, 400, 'Flavor secret could not be found.'),
            ({'flavorRef': 'none'}, 403, 'Only volume-backed servers are allowed for flavors with zero disk.'),
            ({'imageRef': CELL_ID}, 400, f'Image {CELL_ID} could not be found.'),
            ({'imageRef': 'no-id'}, 400, 'Invalid imageRef provided.'),
            ({'imageRef': ''}, 400, 'Invalid imageRef provided.'),
            ({'imageRef': None}, 400, 'Invalid imageRef provided.'),
            ({'key_name': 'nothing'}, 400, 'Invalid key_name provided.'),
        ],
    )
    def test_what_is_not_there_is_refused(self, world, body, status, text):
        assert refused(world, **body) == (status, text)

    def test_administrators_may_use_flavors_without_disk(self, world):
        world.images.kept[IMAGE_ID] = Image(IMAGE_ID, size=99 * GB)
        create(world, token='admin', flavorRef='none')

    def test_images_of_all_spellings_are_accepted(self, world):
        properties = {
            'architecture': 'AMD64',
            'hw_disk_bus': 'scsi',
            'hw_cpu_cores': 2,
            'img_hv_type': 'QEMU',
            'x': 'y',
        }
        world.images.kept[IMAGE_ID] = Image(IMAGE_ID, properties=properties)
        create(world)
        assert recorded(world)['web'].root_device_name == '/dev/sda'

    @pytest.mark.parametrize(
        ('asked', 'of_image', 'shown'),
        [(None, None, 'MANUAL'), ('AUTO', None, 'AUTO'), (None, 'true', 'AUTO'), ('MANUAL', 'true', 'MANUAL')],
    )
    def test_disks_grow_as_asked_or_as_the_image_says(self, world, asked, of_image, shown):
        properties = {} if of_image is None else {'hw_auto_disk_config': of_image}
        world.images.kept[IMAGE_ID] = Image(IMAGE_ID, properties=properties)
        wish = {} if asked is None else {'OS-DCF:diskConfig': asked}
        assert create(world, **wish)['server']['OS-DCF:diskConfig'] == shown

    def test_an_image_can_refuse_that_its_disk_grows(self, world):
        world.images.kept[IMAGE_ID] = Image(IMAGE_ID, properties={'auto_disk_config': 'False'})
        assert refused(world, **{'OS-DCF:diskConfig': 'AUTO'}) == (
            400,
            f'Requested image {IMAGE_ID} has automatic disk resize disabled.',
        )

    def test_certificates_ask_for_a_host_that_verifies_them(self, world):
        create(world, trusted_image_certificates=['a'])
        assert placement_request(recorded(world)['web']).required_traits == ('COMPUTE_TRUSTED_CERTS',)

    def test_an_image_can_insist_on_a_config_drive(self, world):
        world.images.kept[IMAGE_ID] = Image(IMAGE_ID, properties={'img_config_drive': 'mandatory', 'os_distro': 'x'})
        create(world)
        request = recorded(world)['web']
        assert request.config_drive is True
        assert request.image_properties['os_distro'] == 'x'


@pytest.mark.parametrize(
    ('body', 'named'),
    [
        ({'name': ''}, 'name'),
        ({'name': 'x' * 256}, 'name'),
        ({'name': ' x'}, 'name'),
        ({'metadata': {'k' * 256: 'v'}}, 'k' * 100),
        ({'metadata': {'k': 'v' * 256}}, 'k'),
        ({'user_data': 'no base64!'}, 'user_data'),
        ({'user_data': 'AAAA' * 16384}, 'user_data'),
        ({'min_count': 0}, 'min_count'),
        ({'min_count': '0'}, 'min_count'),
        ({'min_count': 3, 'max_count': 2}, 'min_count'),
        ({'hostname': 'a.b'}, 'hostname'),
        ({'config_drive': 'maybe'}, 'config_drive'),
        ({'networks': None}, 'networks'),
        ({'networks': 'some'}, 'networks'),
        ({'OS-DCF:diskConfig': 'auto'}, 'OS-DCF:diskConfig'),
        ({'adminPass': 1}, 'adminPass'),
        ({'key_name': ''}, 'key_name'),
        ({'availability_zone': ' '}, 'availability_zone'),
        ({'host': 'a b'}, 'host'),
        ({'hostname': 'x' * 64}, 'hostname'),
        ({'tags': ['a/b']}, 'tags'),
        ({'tags': ['a'] * 2}, 'tags'),
        ({'accessIPv4': 'x'}, 'accessIPv4'),
        ({'accessIPv6': '1.2.3.4'}, 'accessIPv6'),
        ({'personality': []}, 'personality'),
        ({'unknown': 1}, 'unknown'),
        ({'trusted_image_certificates': ['a'] * 51}, 'trusted_image_certificates'),
    ],
)
def test_what_is_beyond_limits_is_refused_by_name(world, body, named):
    status, message = refused(world, **body)
    assert status == 400
    assert named in message


@pytest.mark.parametrize(
    ('version', 'body'),
    [
        ('2.18', {'description': 'x'}),
        ('2.51', {'tags': ['a']}),
        ('2.62', {'trusted_image_certificates': ['a']}),
        ('2.73', {'host': 'compute'}),
        ('2.89', {'hostname': 'a'}),
        ('2.36', {'networks': 'none'}),
        ('2.31', {'networks': [{'uuid': IMAGE_ID, 'tag': 'a'}]}),
        ('2.37', {'networks': [{'uuid': IMAGE_ID, 'tag': 'a'}]}),
    ],
)
def test_fields_are_refused_before_their_version(world, version, body):
    assert refused(world, version=version, **body)[0] == 400


def test_too_many_metadata_items_are_over_quota(world):
    status, message = refused(world, metadata={f'k{number}': 'v' for number in range(129)})
    assert (status, message) == (403, 'Maximum number of metadata items exceeds 128')


def test_readers_cannot_create(world):
    assert refused(world, token='reader')[0] == 403


@pytest.mark.parametrize(
    ('name', 'hostname'),
    [
        ('Web_Server 1.example.com', 'web-server-1-example-com'),
        ('grün & blau', 'grun--blau'),
        ('---x---', 'x'),
        ('日本', 'server-the-id'),
        ('x' * 70, 'x' * 63),
        ('x' * 62 + '-yz', 'x' * 62),
    ],
)
def test_host_names_are_ones_that_guests_accept(name, hostname):
    assert names.hostname_of(name, 'the-id') == hostname


def test_passwords_are_mixed():
    for length in (1, 3, 12, 40):
        password = names.new_password(length)
        assert len(password) == length
        kinds = [str.islower, str.isupper, str.isdigit]
        assert sum(any(map(kind, password)) for kind in kinds) == min(length, 3)


def test_a_creation_has_the_deadline_of_the_options(tmp_path, template):
    world = World(tmp_path, template, operation_deadline=77)
    create(world)
    with world.databases.api.reading() as tx:
        (row,) = [operations.get(tx, operation_id) for operation_id in world.bus.sent]
    assert (row.deadline_at - row.created_at).total_seconds() == 77
    world.databases.close()
