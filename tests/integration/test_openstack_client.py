"""What users type and write: the unmodified `openstack` program and its library, against a whole cloud."""

import base64
import json
import os
import subprocess

import pytest

from nova.standalone import seed
from tests.integration.neighbours import needs_neighbours, openstack_program

sdk = pytest.importorskip('openstack')

pytestmark = needs_neighbours

KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP5S6Vb9x2oGkVnM7h1xH6FhC5R7DkfRZs2m3R4CkJq8 somebody'
ELSEWHERE = '11111111-2222-4333-8444-555555555555'
VERSIONS = ('2.1', '2.30', '2.60', '2.93')


@pytest.fixture
def openstack(whole):
    """Runs the program as a user of a cloud in clouds.yaml; what it prints, read as JSON if it is."""
    program = openstack_program()
    own = {name: value for name, value in os.environ.items() if not name.startswith('OS_')}
    environment = own | {'OS_CLIENT_CONFIG_FILE': str(whole.layout.clouds_yaml), 'LC_ALL': 'C.UTF-8'}

    def run(*arguments, cloud='nova-demo', form='json', fails=False):
        shown = ['-f', form] if form else []
        command = [program, '--os-cloud', cloud, *arguments, *shown]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
        assert bool(done.returncode) is fails, done.stderr or done.stdout
        if fails:
            return done.stderr
        return json.loads(done.stdout) if form == 'json' else done.stdout

    return run


@pytest.fixture(scope='module')
def connect(whole):
    """Gives a connection of the library as a user of a cloud in clouds.yaml."""
    made = []

    def get(cloud='nova-demo', version=None):
        files = sdk.config.OpenStackConfig(config_files=[str(whole.layout.clouds_yaml)], load_envvars=False)
        choices = {'compute_default_microversion': version} if version else {}
        made.append(sdk.connection.Connection(config=files.get_one(cloud, **choices)))
        return made[-1]

    yield get
    for connection in made:
        connection.close()


@pytest.fixture
def user(connect):
    """A connection of the ordinary user; what it has made is gone at the end."""
    connection = connect()
    before = {server.id for server in connection.compute.servers(details=False)}
    yield connection
    for server in list(connection.compute.servers(details=False)):
        if server.id not in before:
            connection.compute.delete_server(server)
            connection.compute.wait_for_delete(server, interval=0.2)


def image_id(connection):
    return connection.image.find_image(seed.IMAGE, ignore_missing=False).id


def names(listed, column='Name'):
    return {entry[column] for entry in listed}


def test_the_life_of_a_server_on_the_command_line(openstack, user, tmp_path):
    key, script = tmp_path / 'key.pub', tmp_path / 'script'
    key.write_text(KEY)
    script.write_text('#!/bin/sh\necho grüße\n')
    assert openstack('keypair', 'create', '--public-key', str(key), 'mine')['name'] == 'mine'
    options = ('--image', seed.IMAGE, '--flavor', 'm1.nano', '--network', seed.NETWORK, '--key-name', 'mine')
    more = ('--user-data', str(script), '--property', 'role=web', '--config-drive', 'True', '--tag', 'blue')
    place = ('--availability-zone', 'nova', '--description', 'Größe', '--hostname', 'web-1', '--wait')
    made = openstack('server', 'create', *options, *more, *place, 'größe')
    assert (made['name'], made['status'], made['description']) == ('größe', 'ACTIVE', 'Größe')
    (listed,) = openstack('server', 'list', '--long', '--name', 'größe')
    assert (listed['Status'], listed['Image Name'], listed['Flavor']) == ('ACTIVE', seed.IMAGE, 'm1.nano')
    openstack('server', 'set', '--name', 'neu', '--property', 'colour=grün', 'größe', form=None)
    shown = openstack('server', 'show', 'neu')
    assert shown['properties'] == {'role': 'web', 'colour': 'grün'}
    assert (shown['key_name'], shown['tags'], shown['config_drive']) == ('mine', ['blue'], 'True')
    (address,) = shown['addresses'][seed.NETWORK]
    assert address in openstack('console', 'log', 'show', 'neu', form=None)
    assert address in str(openstack('port', 'list', '--server', 'neu'))
    openstack('server', 'delete', '--wait', 'neu', form=None)
    openstack('keypair', 'delete', 'mine', form=None)
    assert 'No Server found' in openstack('server', 'show', 'neu', fails=True)
    assert [port for port in user.network.ports() if port.device_id == made['id']] == []


@pytest.mark.parametrize(
    ('command', 'column', 'expected'),
    [
        ('compute service list', 'Binary', {'nova-compute', 'nova-conductor', 'nova-scheduler'}),
        ('hypervisor list', 'Hypervisor Hostname', {'fake-1', 'fake-2'}),
        ('availability zone list --compute', 'Zone Name', {'internal', 'nova'}),
        ('server list --all-projects', 'Name', {'first'}),
        ('network list', 'Name', {seed.NETWORK}),
    ],
)
def test_lists_of_an_administrator_on_the_command_line(openstack, command, column, expected):
    assert names(openstack(*command.split(), cloud='nova'), column) >= expected


def test_a_hypervisor_is_shown_with_the_aggregates_it_is_in(openstack):
    shown = openstack('hypervisor', 'show', 'fake-1', cloud='nova')
    assert (shown['hypervisor_hostname'], shown['state'], shown['aggregates']) == ('fake-1', 'up', [])


def test_a_user_is_told_what_only_administrators_may(openstack):
    assert 'os_compute_api:os-services:list' in openstack('compute', 'service', 'list', fails=True)


@pytest.mark.parametrize('version', VERSIONS)
def test_a_server_by_the_library_at_each_version(connect, user, version):
    connection = connect(version=version)
    network = connection.network.find_network(seed.NETWORK, ignore_missing=False)
    asked = {
        'name': f'at {version}',
        'image_id': image_id(connection),
        'flavor_id': '1',
    }
    if version != '2.1':
        asked['description'] = 'größe'
    made = connection.compute.create_server(**asked, networks=[{'uuid': network.id}], metadata={'a': 'ü'})
    active = connection.compute.wait_for_server(made, interval=0.2)
    assert (active.status, active.metadata) == ('ACTIVE', {'a': 'ü'})
    assert [server.id for server in connection.compute.servers(name=f'at {version}')] == [made.id]
    raw = connection.compute.get(f'/servers/{made.id}', microversion=version).json()['server']
    assert ('description' in raw) is (version != '2.1')
    assert ('id' in raw['flavor']) is (version in ('2.1', '2.30'))
    log = connection.compute.get_server_console_output(made, length=1)['output']
    assert len(log.strip().splitlines()) == 1
    assert [action.action for action in connection.compute.server_actions(made)] == ['create']
    connection.compute.delete_server(made)
    connection.compute.wait_for_delete(made, interval=0.2)
    assert [port for port in user.network.ports() if port.device_id == made.id] == []


def test_many_servers_at_once_and_their_pages(connect, user):
    body = {
        'name': 'many',
        'imageRef': image_id(user),
        'flavorRef': '1',
        'networks': 'none',
    }
    document = {'server': body | {'min_count': 2, 'max_count': 3, 'return_reservation_id': True}}
    answer = user.compute.post('/servers', json=document, microversion='2.60')
    reservation = answer.json()['reservation_id']
    found = list(user.compute.servers(reservation_id=reservation, limit=1))
    assert {server.name for server in found} == {'many-1', 'many-2', 'many-3'}
    for server in found:
        user.compute.wait_for_server(server, interval=0.2)
    # As an administrator forces it.
    connect('nova').compute.delete_server(found[0], force=True)
    user.compute.wait_for_delete(found[0], interval=0.2)


@pytest.mark.parametrize(
    ('wrong', 'status', 'text'),
    [
        ({'name': 'x' * 256}, 400, 'name'),
        ({'name': 'x\x00'}, 400, 'name'),
        ({'imageRef': ELSEWHERE}, 400, 'could not be found'),
        ({'flavorRef': 'none'}, 400, 'could not be found'),
        ({'networks': [{'uuid': ELSEWHERE}]}, 400, 'could not be found'),
        ({'networks': [{'port': ELSEWHERE}]}, 400, 'could not be found'),
        ({'networks': 'some'}, 400, 'networks'),
        ({'key_name': 'nobodys'}, 400, 'key_name'),
        ({'availability_zone': 'nowhere'}, 400, 'availability zone'),
        ({'user_data': '%%%'}, 400, 'user_data'),
        ({'user_data': base64.b64encode(b'x' * 70_000).decode()}, 400, 'user_data'),
        ({'metadata': {'a': 'b' * 256}}, 400, 'field/attribute a'),
        ({'metadata': {f'k{number}': '' for number in range(129)}}, 403, 'metadata'),
        ({'min_count': 3, 'max_count': 2}, 400, 'min_count'),
        ({'min_count': 11, 'max_count': 11}, 403, 'Quota exceeded'),
        ({'colour': 'red'}, 400, 'colour'),
    ],
)
def test_requests_that_are_wrong_say_where(user, wrong, status, text):
    image = image_id(user)
    server = {'name': 'wrong', 'imageRef': image, 'flavorRef': '1', 'networks': 'none', **wrong}
    answer = user.compute.post('/servers', json={'server': server}, microversion='2.93')
    assert answer.status_code == status
    (fault,) = answer.json().values()
    assert fault['code'] == status
    assert text in fault['message']


def test_flavors_by_the_library(connect, user):
    admin = connect('nova')
    made = admin.compute.create_flavor(name='größe', ram=64, vcpus=1, disk=1, is_public=False, description='ü')
    try:
        assert 'größe' not in {flavor.name for flavor in user.compute.flavors()}
        project = user.current_project_id
        admin.compute.flavor_add_tenant_access(made, project)
        assert [entry['tenant_id'] for entry in admin.compute.get_flavor_access(made)] == [project]
        admin.compute.create_flavor_extra_specs(made, {'hw:cpu_policy': 'shared'})
        found = user.compute.find_flavor('größe', ignore_missing=False, get_extra_specs=True)
        assert found.extra_specs == {'hw:cpu_policy': 'shared'}
        admin.compute.delete_flavor_extra_specs_property(made, 'hw:cpu_policy')
        assert admin.compute.fetch_flavor_extra_specs(made).extra_specs == {}
        admin.compute.update_flavor(made.id, description='neu')
        assert admin.compute.get_flavor(made.id).description == 'neu'
    finally:
        admin.compute.delete_flavor(made)


@pytest.mark.parametrize(('version', 'status'), [('2.1', 200), ('2.91', 201), ('2.92', 400)])
def test_a_key_is_made_for_its_user_until_2_91(user, version, status):
    answer = user.compute.post('/os-keypairs', json={'keypair': {'name': 'made'}}, microversion=version)
    assert answer.status_code == status
    if status < 400:
        assert 'PRIVATE KEY' in answer.json()['keypair']['private_key']
        user.compute.delete_keypair('made')


def test_limits_and_quotas_by_the_library(connect, user):
    admin, project = connect('nova'), user.current_project_id
    admin.compute.update_quota_set(project, instances=1)
    try:
        assert user.compute.get_quota_set(project).instances == 1
        # The server `first` is all that the project may have.
        assert user.compute.get_limits().absolute.instances == 1
        body = {
            'name': 'more',
            'imageRef': image_id(user),
            'flavorRef': '1',
            'networks': 'none',
        }
        answer = user.compute.post('/servers', json={'server': body}, microversion='2.93')
        assert (answer.status_code, 'instances' in answer.text) == (403, True)
    finally:
        admin.compute.revert_quota_set(project)


def test_a_host_is_closed_and_opened(connect):
    compute = connect('nova').compute
    (service,) = compute.services(host='fake-2', binary='nova-compute')
    try:
        assert compute.disable_service(service, disabled_reason='Wartung').disabled_reason == 'Wartung'
        assert {host.name: host.status for host in compute.hypervisors()}['fake-2'] == 'disabled'
    finally:
        assert compute.enable_service(service).status == 'enabled'


def test_networks_by_the_library(user):
    network = user.network.create_network(name='größe')
    subnet = user.network.create_subnet(network_id=network.id, cidr='10.77.0.0/24', ip_version=4)
    port = user.network.create_port(network_id=network.id, fixed_ips=[{'ip_address': '10.77.0.9'}])
    group = user.network.create_security_group(name='web')
    rule = user.network.create_security_group_rule(
        security_group_id=group.id, direction='ingress', protocol='tcp', port_range_min=80, port_range_max=80
    )
    assert port.fixed_ips == [{'subnet_id': subnet.id, 'ip_address': '10.77.0.9'}]
    with pytest.raises(sdk.exceptions.ConflictException):
        user.network.delete_subnet(subnet, ignore_missing=False)
    for delete, made in (
        (user.network.delete_security_group_rule, rule),
        (user.network.delete_security_group, group),
        (user.network.delete_port, port),
        (user.network.delete_subnet, subnet),
        (user.network.delete_network, network),
    ):
        delete(made, ignore_missing=False)
        with pytest.raises(sdk.exceptions.NotFoundException):
            delete(made, ignore_missing=False)
    with pytest.raises(sdk.exceptions.NotFoundException):
        list(user.network.agents())
