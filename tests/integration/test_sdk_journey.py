"""A script of openstacksdk through each resource of Compute, as an administrator and as a user."""

import pytest

from nova.standalone import seed
from tests.integration.neighbours import needs_neighbours

sdk = pytest.importorskip('openstack')

pytestmark = needs_neighbours

KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP5S6Vb9x2oGkVnM7h1xH6FhC5R7DkfRZs2m3R4CkJq8 somebody'


@pytest.fixture(scope='module')
def connect(whole):
    """Gives a connection as a user of a cloud in clouds.yaml."""
    files = sdk.config.OpenStackConfig(config_files=[str(whole.layout.clouds_yaml)], load_envvars=False)
    made = []

    def get(cloud, **choices):
        made.append(sdk.connection.Connection(config=files.get_one(cloud, **choices)))
        return made[-1]

    yield get
    for connection in made:
        connection.close()


@pytest.fixture(scope='module')
def admin(connect):
    return connect('nova').compute


@pytest.fixture(scope='module')
def user(connect):
    return connect('nova-demo').compute


@pytest.fixture
def server(connect, user):
    """A server of the user, in a group and with a key."""
    connection = connect('nova-demo')
    key = user.create_keypair(name='journey', public_key=KEY)
    group = user.create_server_group(name='journey', policy='anti-affinity', rules={'max_server_per_host': 2})
    image = connection.image.find_image(seed.IMAGE, ignore_missing=False)
    network = connection.network.find_network(seed.NETWORK, ignore_missing=False)
    made = user.create_server(
        name='journey',
        image_id=image.id,
        flavor_id='1',
        networks=[{'uuid': network.id, 'tag': 'nic'}],
        key_name=key.name,
        metadata={'role': 'web'},
        tags=['blue'],
        scheduler_hints={'group': group.id},
    )
    yield user.wait_for_server(made, interval=0.2)
    user.delete_server(made)
    user.wait_for_delete(made, interval=0.2)
    user.delete_server_group(group, ignore_missing=False)
    user.delete_keypair(key, ignore_missing=False)


def test_a_server_and_what_hangs_on_it(user, admin, server):
    (group,) = user.server_groups()
    assert (group.member_ids, group.rules) == ([server.id], {'max_server_per_host': 2})
    assert [found.id for found in user.servers(tags='blue', name='journey')] == [server.id]
    user.set_server_metadata(server, colour='grün')
    user.delete_server_metadata(server.id, ['role'])
    assert user.get_server_metadata(server).metadata == {'colour': 'grün'}
    server.add_tag(user, 'red')
    assert sorted(user.get_server(server.id).tags) == ['blue', 'red']
    assert user.update_server(server, name='neu', description='ü').description == 'ü'
    (interface,) = user.server_interfaces(server)
    assert [ip['ip_address'] for ip in interface.fixed_ips] == [
        address['addr'] for address in user.get_server(server.id).addresses[seed.NETWORK]
    ]
    assert 'login' in user.get_server_console_output(server)['output']
    user.fetch_server_security_groups(server)
    assert [entry['name'] for entry in server.security_groups] == ['default']
    assert admin.get_server_diagnostics(server.id).driver
    assert list(user.volume_attachments(server)) == []


def test_verbs_leave_their_actions(user, server):
    for verb, status in (
        (user.stop_server, 'SHUTOFF'),
        (user.start_server, 'ACTIVE'),
        (user.pause_server, 'PAUSED'),
        (user.unpause_server, 'ACTIVE'),
        (user.suspend_server, 'SUSPENDED'),
        (user.resume_server, 'ACTIVE'),
    ):
        verb(server)
        user.wait_for_server(server, status=status, interval=0.2)
    user.reboot_server(server, 'HARD')
    user.wait_for_server(server, interval=0.2)
    user.lock_server(server, locked_reason='why')
    assert user.get_server(server.id).is_locked
    user.unlock_server(server)
    actions = [action.action for action in user.server_actions(server)]
    assert {'create', 'stop', 'start', 'pause', 'unpause', 'suspend', 'resume', 'reboot'} <= set(actions)
    newest = next(action for action in user.server_actions(server) if action.action == 'reboot')
    assert user.get_server_action(newest.request_id, server).events


def test_aggregates_hosts_and_services(admin, user):
    busy = {found.compute_host for found in admin.servers(all_projects=True)}
    host = next(name for name in ('fake-1', 'fake-2') if name not in busy)
    aggregate = admin.create_aggregate(name='journey', availability_zone='journey')
    try:
        admin.add_host_to_aggregate(aggregate, host)
        admin.set_aggregate_metadata(aggregate, {'ssd': 'true'})
        found = admin.get_aggregate(aggregate.id)
        assert (found.hosts, found.metadata) == ([host], {'availability_zone': 'journey', 'ssd': 'true'})
        assert {zone.name for zone in user.availability_zones()} == {'nova', 'journey'}
        assert host in {name for zone in admin.availability_zones(details=True) for name in zone.hosts or ()}
        admin.remove_host_from_aggregate(aggregate, host)
    finally:
        admin.delete_aggregate(aggregate, ignore_missing=False)
    (service,) = admin.services(host=host, binary='nova-compute')
    assert admin.update_service_forced_down(service, host, 'nova-compute', True).is_forced_down
    assert not admin.update_service_forced_down(service, host, 'nova-compute', False).is_forced_down
    hypervisor = admin.find_hypervisor(host, ignore_missing=False, details=True)
    assert admin.get_hypervisor(hypervisor.id).name == host


def test_quotas_usage_and_migrations(connect, admin, user):
    project = connect('nova-demo').current_project_id
    admin.update_quota_set(project, cores=33)
    try:
        assert user.get_quota_set(project, usage=True).cores == 33
        assert admin.get_quota_set_defaults(project).cores == 20
    finally:
        admin.revert_quota_set(project)
    assert user.get_limits().absolute.total_cores == 20
    assert project in {usage.project_id for usage in admin.usages()}
    assert admin.get_usage(project).server_usages
    assert [move for move in admin.migrations() if move.status == 'running'] == []


def test_extensions_and_old_microversions(connect, user):
    assert 'os-keypairs' in {extension.alias for extension in user.extensions()}
    for version in ('2.1', '2.30', '2.60', '2.96'):
        old = connect('nova-demo', compute_default_microversion=version).compute
        assert 'first' in {found.name for found in old.servers()}
        assert {flavor.name for flavor in old.flavors()} >= {'m1.nano'}
        assert 'journey' not in {key.name for key in old.keypairs()}
