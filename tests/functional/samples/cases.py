"""What a sample says too little of: the call that is cited for none, what must be so before it, what is free in it."""

import dataclasses
import datetime
import urllib.parse
from collections.abc import Callable
from typing import Any

from nova.db.stores import usage_audits
from nova.domain.lifecycle import Activity, State
from nova.domain.migration import LIVE, RESIZE
from nova.domain.usage_audit import UsageAudit, last_period
from tests.functional.client import IMAGE_ID
from tests.functional.samples.index import Sample
from tests.functional.samples.scene import CUT_OFF, EMPTY_HOST, KEPT, NETWORK_OF_SAMPLES, PUBLIC_KEY, UNLIMITED, Scene

# Below these are so many levels of names that somebody chose.
NAMED = {'addresses': 1, 'hosts': 2, 'log': 1}
# Below these lies what users choose, or as many as there happen to be.
FREE = frozenset({'metadata', 'meta', 'extra_specs', 'tags', 'server_groups', 'os-extended-volumes:volumes_attached'})


def nothing(scene: Scene, sample: Sample) -> None:
    """What the sample says is enough."""


@dataclasses.dataclass(frozen=True)
class Case:
    """`route` stands for the cited one. `sends` names the request whose answer the sample is, or is the body.
    `given` prepares, and returns names for the path and the body. `then` is a path to look at after the call:
    what is there is compared with the sample. `since` is the version, where the file does not lie at it."""

    route: str = ''
    sends: str | dict[str, Any] | None = None
    given: Callable[[Scene, Sample], dict[str, str] | None] = nothing
    then: str = ''
    query: str = ''
    user: str = ''
    since: str = ''
    free: frozenset[str] = frozenset()


# What must be so before.


def act(scene, server_id, body, version='2.1'):
    scene.owner.post(f'/servers/{server_id}/action', body, version)
    return scene.owner.wait(server_id)


def become(state: State, *verbs: dict[str, Any], **fields: Any):
    """A fresh server comes into a state by these verbs. Where one is not built, the state is noted in the database, so
    that the check of the state lets the sample pass on to its own verb."""

    def given(scene, sample):
        server_id = scene.names['server_id'] = scene.a_server_id(**fields)
        if not verbs:
            scene.note(server_id, state)
        for verb in verbs:
            answer = scene.owner.ask('POST', f'/servers/{server_id}/action', verb)
            assert answer.status_int in (200, 202, 501), answer.text
            if answer.status_int == 501:
                scene.note(server_id, state)
                return
            scene.cloud.settle()

    return given


def on_a_host_that_is_down(scene, sample):
    scene.names['server_id'] = scene.a_server_id(host='h2')

    def force(down):
        body = {'host': 'h2', 'binary': 'nova-compute', 'forced_down': down}
        scene.owner.put('/os-services/force-down', body, '2.11')

    force(True)
    scene.afterwards(lambda: force(False))


def to_another_host(scene, sample):
    return {'host_name': 'h2'}


def a_network_of_its_own(scene, sample):
    """In which the address that the sample gives is free."""
    return {'network_id': scene.cloud.network.add_network('elsewhere', 'more', '192.168.1.0/24').id}


def live_migrating(scene, sample):
    names = migrations(scene, sample)

    scene.note(names['server_id'], State.ACTIVE, Activity.MIGRATING)
    scene.afterwards(lambda: scene.note(names['server_id'], State.ACTIVE))
    return names


def audits(scene, sample):
    """Two hosts' servers were counted for the last period, and for the one before the moment that is asked for."""
    moments = (datetime.datetime.now(datetime.UTC), scene.AUDITED)
    with scene.cloud.databases.own.writing() as tx:
        for moment in moments:
            beginning, ending = last_period(scene.cloud.settings.usage_audit_period, moment)
            if not usage_audits.listing(tx, beginning, ending):
                usage_audits.begin(tx, [UsageAudit(host, beginning, ending, message='Ran.') for host in ('h1', 'h2')])


def volumes(scene, sample):
    """One that a server has, with a snapshot, and no others."""
    volume_id, snapshot_id = scene.name('volume_id', sample.version), scene.name('snapshot_id', sample.version)
    cinder = scene.cloud.cinder
    cinder.volumes = {volume_id: cinder.volumes[volume_id]}
    cinder.snapshots = {snapshot_id: cinder.snapshots[snapshot_id]}
    if not cinder.volumes[volume_id]['attachments']:
        cinder.attach(volume_id, scene.name('server_id', sample.version))


def with_a_volume(scene, sample):
    """A server that has a volume which is never changed."""
    if 'with volume' not in scene.kept:
        scene.kept['with volume'] = attached(scene, sample)['server_id']
    return {'server_id': scene.kept['with volume'], 'volume_id': scene.kept['volume_id']}


def attached(scene, sample):
    """A server that has a volume."""
    server_id = scene.names['server_id'] = scene.a_server_id()
    volume_id = scene.name('volume_id', sample.version)
    body = {'volumeAttachment': {'volumeId': volume_id, 'tag': 'foo', 'delete_on_termination': True}}
    answer = scene.owner.ask('POST', f'/servers/{server_id}/os-volume_attachments', body, '2.79')
    assert answer.status_int in (200, 501), answer.text
    scene.cloud.settle()
    return {'server_id': server_id, 'volume_id': volume_id}


def with_another_volume(scene, sample):
    """The new volume that the body names is another than that in the path."""
    names = attached(scene, sample)
    return names | {'volumeId': scene.a_volume_id()}


def as_the_body_says(scene, sample):
    """The attachment is as the body repeats it, but for the flag."""
    names = attached(scene, sample)
    return names | {'serverId': names['server_id'], 'id': names['volume_id']}


def a_floating_ip(scene, sample):
    scene.name('floating_ip_id', sample.version)


def with_a_floating_ip(scene, sample):
    server_id = scene.names['server_id'] = scene.a_server_id()
    address = scene.owner.post('/os-floating-ips', {'pool': 'public'}, '2.1', 200)['floating_ip']['ip']
    fixed = next(iter(scene.owner.get(f'/servers/{server_id}/ips')['addresses'].values()))[0]['addr']
    if 'remove' in sample.name:
        body = {'addFloatingIp': {'address': address}}
        scene.owner.post(f'/servers/{server_id}/action', body)
    return {'address': address, 'fixed_address': fixed}


def a_fixed_address(scene, sample):
    server_id = scene.names['server_id'] = scene.a_server_id()
    (addresses,) = scene.owner.get(f'/servers/{server_id}/ips')['addresses'].values()
    return {'address': addresses[0]['addr']}


def without_group_test(scene, sample):
    for group in scene.owner.get('/os-security-groups')['security_groups']:
        if group['name'] == 'test':
            for server in scene.owner.get('/servers')['servers']:
                body = {'removeSecurityGroup': {'name': 'test'}}
                scene.owner.ask('POST', f'/servers/{server["id"]}/action', body)
            scene.owner.delete(f'/os-security-groups/{group["id"]}', status=202)


def a_group_test(scene, sample):
    without_group_test(scene, sample)
    group = {'name': 'test', 'description': 'of the samples'}
    made = scene.owner.post('/os-security-groups', {'security_group': group}, '2.1', 200)['security_group']
    rule = {'parent_group_id': made['id'], 'ip_protocol': 'tcp', 'from_port': 22, 'to_port': 22, 'cidr': '10.0.0.0/24'}
    scene.owner.post('/os-security-group-rules', {'security_group_rule': rule}, '2.1', 200)
    return {'security_group_id': made['id']}


def without_rules(scene, sample):
    return {'security_group_id': scene.a_security_group_id()}


def in_group_test(scene, sample):
    server_id = scene.names['server_id'] = scene.a_server_id()
    names = a_group_test(scene, sample)
    scene.owner.post(f'/servers/{server_id}/action', {'addSecurityGroup': {'name': 'test'}})
    return names


def migrations(scene, sample):
    """A server that was moved twice; the marker is the newer move."""
    if 'moved' not in scene.kept:
        scene.kept['moved'] = scene.a_server_id()
        scene.moves(scene.kept['moved'], LIVE, 'running', at=BETWEEN - datetime.timedelta(1))
        scene.moves(scene.kept['moved'], RESIZE, 'finished', at=BETWEEN + datetime.timedelta(1))
    found = scene.owner.get('/os-migrations', '2.59')['migrations']
    live = next(entry for entry in found if entry['migration_type'] == LIVE)
    return {'server_id': scene.kept['moved'], 'migration_id': str(live['id']), 'marker': found[0]['uuid']}


def an_image(scene, sample):
    """One that belongs to the project, as a snapshot of a server does."""
    properties = {'auto_disk_config': 'True', 'foo': 'bar', 'architecture': 'x86_64'}
    return {'image_id': scene.cloud.glance.add(owner='demo', visibility='private', **properties)}


def of_an_image(key):
    return lambda scene, sample: an_image(scene, sample) | {'key': key}


def without_flavor_10(scene, sample):
    scene.owner.ask('DELETE', '/flavors/10')


def a_private_flavor(scene, sample):
    without_flavor_10(scene, sample)
    fields = {'id': '10', 'name': 'test_flavor', 'ram': 1, 'vcpus': 1, 'disk': 1, 'os-flavor-access:is_public': False}
    scene.owner.post('/flavors', {'flavor': fields}, '2.1', 200)
    scene.owner.post('/flavors/10/action', {'addTenantAccess': {'tenant': 'somebody'}}, '2.1', 200)
    return {'flavor_id': '10'}


def shared_with_fake_tenant(scene, sample):
    """A private flavor that only `fake_tenant` may use."""
    names = a_private_flavor(scene, sample)
    for change, tenant in (('addTenantAccess', 'fake_tenant'), ('removeTenantAccess', 'somebody')):
        scene.owner.post('/flavors/10/action', {change: {'tenant': tenant}}, '2.1', 200)
    return names


def without_keypairs(scene, sample):
    """Neither Alice nor `fake` has a key of a name that a sample gives."""
    for user_id in ('alice', 'fake'):
        for entry in scene.owner.get(f'/os-keypairs?user_id={user_id}', '2.10')['keypairs']:
            if (name := entry['keypair']['name']) != 'new-key':
                scene.owner.delete(f'/os-keypairs/{urllib.parse.quote(name)}?user_id={user_id}', '2.10')


def keypair_of_fake(scene, sample):
    key = {'name': 'another', 'public_key': PUBLIC_KEY, 'user_id': 'fake'}
    scene.owner.ask('POST', '/os-keypairs', {'keypair': key}, '2.10')


def without_aggregates(scene, sample):
    for aggregate in scene.owner.get('/os-aggregates')['aggregates']:
        for host in aggregate['hosts']:
            body = {'remove_host': {'host': host}}
            scene.owner.post(f'/os-aggregates/{aggregate["id"]}/action', body, '2.1', 200)
        scene.owner.delete(f'/os-aggregates/{aggregate["id"]}', '2.1', 200)


def an_aggregate(scene, sample):
    without_aggregates(scene, sample)
    aggregate = {'name': 'before', 'availability_zone': 'nova'}
    made = scene.owner.post('/os-aggregates', {'aggregate': aggregate}, '2.1', 200)['aggregate']
    return {'aggregate_id': str(made['id']), 'host_name': EMPTY_HOST}


def an_aggregate_as_shown(scene, sample):
    """With a host if that of the sample has one."""
    (shown,) = sample.body.values() if sample.kind == 'response' else ({'hosts': True},)
    shown = shown[0] if isinstance(shown, list) else shown
    return an_aggregate_with_a_host(scene, sample) if shown['hosts'] else an_aggregate(scene, sample)


def an_aggregate_with_a_host(scene, sample):
    names = an_aggregate(scene, sample)
    body = {'add_host': {'host': EMPTY_HOST}}
    scene.owner.post(f'/os-aggregates/{names["aggregate_id"]}/action', body, '2.1', 200)
    return names


def a_host_with_servers(scene, sample):
    scene.name('server_id', sample.version)


def the_empty_host(scene, sample):
    return {'host_name': EMPTY_HOST, 'hypervisor_hostname_pattern': EMPTY_HOST}


def another_project(scene, sample):
    """One that owns nothing, so any limit will do."""
    return {'tenant_id': 'another'}


def a_server_group(scene, sample):
    scene.name('server_group_id', sample.version)


def two_servers(scene, sample):
    scene.name('server_id', sample.version)
    if 'second' not in scene.kept:
        scene.kept['second'] = scene.a_server_id(name=KEPT)


def an_action_before(scene, sample):
    """A server with two actions; the marker is the newer."""
    server_id = scene.name('server_id', sample.version)
    actions = scene.owner.get(f'/servers/{server_id}/os-instance-actions', '2.58')['instanceActions']
    if len(actions) < 2:
        act(scene, server_id, {'lock': None})
        act(scene, server_id, {'unlock': None})
        actions = scene.owner.get(f'/servers/{server_id}/os-instance-actions', '2.58')['instanceActions']
    return {'marker': actions[0]['request_id']}


def of_a_stranger(scene, sample):
    """The only server of its project, in a group."""
    if 'stranger' not in scene.kept:
        stranger = scene.user('stranger')
        body = {'server_group': {'name': 'of a stranger', 'policy': 'affinity'}}
        group = stranger.post('/os-server-groups', body, '2.64', 200)['server_group']['id']
        scene.kept['stranger'] = stranger.create(hints={'group': group}, flavorRef='1')
        stranger.wait(scene.kept['stranger'])
    return {'server_id': scene.kept['stranger']}


def interfaces(scene, sample):
    server_id = scene.name('server_id', sample.version)
    (port, *_more) = scene.owner.get(f'/servers/{server_id}/os-interface', '2.1')['interfaceAttachments']
    return {'port_id': port['port_id']}


A_SERVER = {
    'server': {'name': 'one', 'imageRef': IMAGE_ID, 'flavorRef': '1', 'networks': [{'uuid': NETWORK_OF_SAMPLES}]}
}
AN_EVENT = {'events': [{'name': 'network-changed', 'tag': 'foo', 'status': 'completed', 'server_uuid': 'any'}]}
# Servers whose published request is refused: their answer is that of a simpler one.
OF_ANOTHER = ('v2.32', 'v2.42', 'v2.63', 'v2.66', 'v2.67', 'v2.90', 'v2.94')
ACTION = 'POST /servers/{server_id}/action'
rescued = become(State.RESCUED, {'rescue': None})
resized = become(State.RESIZED, {'resize': {'flavorRef': '2'}})
# What must be so before an action.
VERBS = {
    'os-deferred-delete/restore-post-req': become(State.SOFT_DELETED),
    'os-lock-server/unlock-server': become(State.ACTIVE, {'lock': None}),
    'os-migrate-server/live-migrate-server': to_another_host,
    'os-migrate-server/migrate-server': to_another_host,
    'os-migrate-server/migrate-server-null': to_another_host,
    'os-pause-server/unpause-server': become(State.PAUSED, {'pause': None}),
    'os-preserve-ephemeral-rebuild/server-action-rebuild-preserve-ephemeral': nothing,
    'os-rescue/server-rescue-req': nothing,
    'os-rescue/server-unrescue-req': rescued,
    'os-shelve/os-shelve-offload': become(State.SHELVED, {'shelve': None}),
    'os-shelve/os-unshelve': become(State.SHELVED, {'shelve': None}),
    **{
        f'os-shelve/os-unshelve-{name}': become(State.SHELVED_OFFLOADED, {'shelve': None}, {'shelveOffload': None})
        for name in ('az', 'az-host', 'host', 'host-and-unpin-az', 'unpin-az')
    },
    'os-suspend-server/server-resume': become(State.SUSPENDED, {'suspend': None}),
    'server-migrations/live-migrate-server': to_another_host,
    'servers/lock-server-with-reason': nothing,
    'servers/server-action-confirm-resize': resized,
    'servers/server-action-revert-resize': resized,
    'servers/server-action-start': become(State.STOPPED, {'os-stop': None}),
}
# One move was before, one after.
BETWEEN = datetime.datetime(2026, 1, 15, tzinfo=datetime.UTC)
SINCE, BEFORE = 'changes-since=2000-01-01T00:00:00Z', 'changes-before=2100-01-01T00:00:00Z'
ACTIONS_LIST = 'GET /servers/{server_id}/os-instance-actions'
QUOTA = '/os-quota-sets/{tenant_id}'
QUOTAS = {
    'quotas-show-get-resp': (f'GET {QUOTA}', ''),
    'quotas-show-defaults-get-resp': (f'GET {QUOTA}/defaults', ''),
    'quotas-show-detail-get-resp': (f'GET {QUOTA}/detail', ''),
    'quotas-update-post-req': (f'PUT {QUOTA}', ''),
    'quotas-update-post-resp': (f'PUT {QUOTA}', ''),
    'quotas-update-force-post-req': (f'PUT {QUOTA}', ''),
    'quotas-update-force-post-resp': (f'PUT {QUOTA}', ''),
    'user-quotas-show-get-resp': (f'GET {QUOTA}', 'user_id=alice'),
    'user-quotas-update-post-req': (f'PUT {QUOTA}', 'user_id=alice'),
    'user-quotas-update-post-resp': (f'PUT {QUOTA}', 'user_id=alice'),
}

CASES = {
    'extension-info/extensions-list-resp-v21-compatible': Case('GET /extensions'),
    # Flavors
    'flavor-access/flavor-create-req': Case('POST /flavors', given=without_flavor_10),
    'flavor-access/flavor-access-add-tenant-req': Case(given=a_private_flavor),
    'flavor-access/flavor-access-add-tenant-resp': Case(given=a_private_flavor),
    'flavor-access/flavor-access-list-resp': Case(given=a_private_flavor),
    'flavor-access/flavor-access-remove-tenant-req': Case(given=shared_with_fake_tenant),
    'flavor-access/flavor-access-remove-tenant-resp': Case(given=shared_with_fake_tenant),
    'flavor-extra-specs/flavor-extra-specs-get-resp': Case(free=frozenset({'hw:numa_nodes'})),
    'flavor-manage/flavor-create-post-req': Case(given=without_flavor_10),
    'flavor-manage/flavor-create-post-resp': Case(given=without_flavor_10),
    'flavor-manage/flavor-update-req': Case(given=a_private_flavor),
    'flavor-manage/flavor-update-resp': Case(given=a_private_flavor),
    # Keypairs
    'os-keypairs/keypairs-import-post-req': Case(given=without_keypairs),
    'os-keypairs/keypairs-import-post-resp': Case(given=without_keypairs, user='owner'),
    'os-keypairs/keypairs-post-req': Case('POST /os-keypairs', given=without_keypairs),
    'os-keypairs/keypairs-post-resp': Case('POST /os-keypairs', given=without_keypairs, user='owner'),
    'os-keypairs/keypairs-list-user1-resp': Case('GET /os-keypairs'),
    'os-keypairs/keypairs-list-user2-resp': Case(
        'GET /os-keypairs', given=keypair_of_fake, query='user_id=fake', user='owner'
    ),
    # Aggregates
    'os-aggregates/aggregate-post-req': Case(given=without_aggregates),
    'os-aggregates/aggregate-post-resp': Case(given=without_aggregates),
    'os-aggregates/aggregate-update-post-req': Case(given=an_aggregate),
    'os-aggregates/aggregate-update-post-resp': Case(given=an_aggregate_as_shown),
    'os-aggregates/aggregate-add-host-post-req': Case(given=an_aggregate),
    'os-aggregates/aggregates-add-host-post-resp': Case(sends='aggregate-add-host-post-req', given=an_aggregate),
    'os-aggregates/aggregate-remove-host-post-req': Case(given=an_aggregate_with_a_host),
    'os-aggregates/aggregates-remove-host-post-resp': Case(
        sends='aggregate-remove-host-post-req', given=an_aggregate_with_a_host
    ),
    'os-aggregates/aggregate-metadata-post-req': Case(given=an_aggregate),
    'os-aggregates/aggregates-metadata-post-resp': Case(
        sends='aggregate-metadata-post-req', given=an_aggregate_as_shown
    ),
    'os-aggregates/aggregates-get-resp': Case(given=an_aggregate_as_shown),
    'os-aggregates/aggregates-list-get-resp': Case(given=an_aggregate_as_shown),
    'os-aggregates/aggregate-images-post-req': Case(given=an_aggregate_with_a_host),
    # Hosts
    'os-hosts/host-put-maintenance-req': Case(given=the_empty_host),
    'os-hosts/host-put-maintenance-resp': Case(given=the_empty_host),
    'os-hypervisors/hypervisors-with-servers-resp': Case(given=a_host_with_servers),
    'os-hypervisors/v2.53/hypervisors-with-servers-resp': Case(
        'GET /os-hypervisors', given=a_host_with_servers, query='hypervisor_hostname_pattern=h1&with_servers=true'
    ),
    'os-hypervisors/v2.88/hypervisors-with-servers-resp': Case(
        'GET /os-hypervisors', given=a_host_with_servers, query='hypervisor_hostname_pattern=h1&with_servers=true'
    ),
    'os-hypervisors/v2.28/hypervisors-with-servers-resp': Case(
        'GET /os-hypervisors/{hypervisor_hostname_pattern}/servers', given=a_host_with_servers
    ),
    'os-hypervisors/hypervisors-without-servers-resp': Case(
        'GET /os-hypervisors/{hypervisor_hostname_pattern}/servers', given=the_empty_host
    ),
    'os-hypervisors/v2.53/hypervisors-without-servers-resp': Case(
        'GET /os-hypervisors', query='hypervisor_hostname_pattern=h3&with_servers=true'
    ),
    'os-hypervisors/hypervisors-detail-with-servers-resp': Case(
        'GET /os-hypervisors/detail', given=a_host_with_servers, query='hypervisor_hostname_pattern=h1&with_servers=1'
    ),
    'os-hypervisors/hypervisors-show-with-servers-resp': Case(given=a_host_with_servers, query='with_servers=1'),
    'os-hypervisors/v2.53/hypervisors-search-resp': Case('GET /os-hypervisors', query='hypervisor_hostname_pattern=h1'),
    'os-hypervisors/v2.88/hypervisors-search-resp': Case('GET /os-hypervisors', query='hypervisor_hostname_pattern=h1'),
    **{
        f'os-services/service-{change}-put-{part}': Case(given=the_empty_host)
        for change in ('disable', 'disable-log', 'enable', 'force-down')
        for part in ('req', 'resp')
    },
    **{
        f'os-services/v2.53/service-disable-put-{part}': Case('PUT /os-services/{service_id}')
        for part in ('req', 'resp')
    },
    # Quotas
    **{
        f'os-quota-sets{noop}/{name}': Case(route, given=another_project, query=query, user=user)
        for noop, user in (('', 'owner'), ('-noop', f'owner@{UNLIMITED}'))
        for name, (route, query) in QUOTAS.items()
    },
    # Server groups, usage
    'os-server-groups/server-groups-list-resp': Case(given=a_server_group),
    'servers/server-groups-post-req': Case('POST /os-server-groups'),
    'servers/server-groups-post-resp': Case('POST /os-server-groups'),
    'os-simple-tenant-usage/simple-tenant-usage-get-detail': Case(given=two_servers, query='detailed=1'),
    'os-simple-tenant-usage/simple-tenant-usage-get': Case(given=two_servers),
    'os-simple-tenant-usage/simple-tenant-usage-get-all': Case(
        'GET /os-simple-tenant-usage', given=two_servers, query='detailed=1'
    ),
    'os-simple-tenant-usage/simple-tenant-usage-get-specific': Case(given=two_servers),
    # Of servers
    'os-instance-actions/instance-action-get-non-admin-resp': Case(user='member'),
    'os-instance-actions/instance-actions-list-with-changes-since': Case(ACTIONS_LIST, query=SINCE),
    'os-instance-actions/instance-actions-list-with-changes-before': Case(ACTIONS_LIST, query=BEFORE),
    'os-instance-actions/instance-actions-list-with-limit-resp': Case(given=an_action_before),
    'os-instance-actions/instance-actions-list-with-marker-resp': Case(
        ACTIONS_LIST, given=an_action_before, query='marker={marker}'
    ),
    'os-attach-interfaces/attach-interfaces-show-resp': Case(given=interfaces),
    'os-attach-interfaces/attach-interfaces-create-net_id-req': Case(given=a_network_of_its_own),
    'os-attach-interfaces/attach-interfaces-create-resp': Case(sends='attach-interfaces-create-req'),
    'os-server-topology/servers-topology-resp-user': Case('GET /servers/{server_id}/topology', user='member'),
    'os-server-topology/servers-topology-resp': Case(user='owner'),
    'os-server-tags/server-tags-show-details-resp': Case('GET /servers/{server_id}'),
    'os-console-auth-tokens/create-serial-console-req': Case('POST /servers/{server_id}/remote-consoles'),
    'os-remote-consoles/create-rdp-console-req': Case('POST /servers/{server_id}/remote-consoles'),
    'os-remote-consoles/create-mks-console-req': Case('POST /servers/{server_id}/remote-consoles'),
    'os-remote-consoles/create-mks-console-resp': Case('POST /servers/{server_id}/remote-consoles'),
    'os-multiple-create/multiple-create-no-resv-post-req': Case('POST /servers'),
    'server-ips/server-ips-network-resp': Case(),
    # Verbs
    **{name: Case(ACTION, given=given) for name, given in VERBS.items()},
    **{
        f'os-evacuate/server-evacuate{name}': Case(ACTION, given=on_a_host_that_is_down)
        for name in ('-req', '-resp', '-find-host-req', '-find-host-resp')
    },
    'os-preserve-ephemeral-rebuild/server-action-rebuild-preserve-ephemeral-resp': Case(
        ACTION, sends='server-action-rebuild-preserve-ephemeral'
    ),
    'os-rescue/server-rescue': Case(sends='server-rescue-req'),
    'os-rescue/server-get-resp-rescue': Case(ACTION, sends='server-rescue-req', then='/servers/{server_id}'),
    'os-rescue/server-get-resp-unrescue': Case(
        ACTION, sends='server-unrescue-req', given=rescued, then='/servers/{server_id}'
    ),
    'servers/server-action-rebuild-resp': Case(sends='server-action-rebuild'),
    'servers/server-action-create-image-resp': Case(sends='server-action-create-image'),
    # Servers
    'servers/server-create-req-v237': Case('POST /servers', since='2.37'),
    'servers/server-create-req-v257': Case('POST /servers', since='2.57'),
    'servers/v2.74/server-create-resp': Case(sends='server-create-req-with-host-and-node', user='owner'),
    **{f'servers/{version}/server-create-resp': Case(sends=A_SERVER) for version in OF_ANOTHER},
    'os-server-external-events/event-create-resp': Case(sends=AN_EVENT),
    'servers/server-create-req-with-only-host': Case('POST /servers'),
    'servers/server-create-req-with-only-node': Case('POST /servers'),
    'servers/server-put-req': Case('PUT /servers/{server_id}'),
    'servers/server-put-resp': Case('PUT /servers/{server_id}'),
    **{
        f'{folder}/{name}': Case(f'GET /servers{detail}', given=two_servers, query=f'name={KEPT}&{query}'.rstrip('&'))
        for folder, name, detail, query in (
            ('servers', 'servers-list-resp', '', ''),
            ('servers', 'servers-details-resp', '/detail', ''),
            ('servers', 'servers-list-status-resp', '', 'status=active'),
            ('servers', 'servers-list-with-changes-before', '', BEFORE),
            ('servers', 'servers-details-with-changes-before', '/detail', BEFORE),
            ('servers-sort', 'server-sort-keys-list-resp', '', 'sort_key=display_name&sort_dir=asc'),
            ('os-server-tags', 'servers-tags-details-resp', '/detail', ''),
        )
    },
    # Migrations
    **{
        f'os-migrations/migrations-get{name}': Case('GET /os-migrations', given=migrations, query=query)
        for name, query in {
            '': '',
            '-with-limit': '',
            '-with-changes-since': f'changes-since={BETWEEN:%Y-%m-%dT%H:%M:%SZ}',
            '-with-changes-before': f'changes-before={BETWEEN:%Y-%m-%dT%H:%M:%SZ}',
            '-with-marker': 'marker={marker}',
            '-with-user-or-project-id': 'user_id=alice',
        }.items()
    },
    **{f'server-migrations/{name}': Case(given=migrations) for name in ('migrations-get', 'migrations-index')},
    'server-migrations/force_complete': Case(given=live_migrating),
    # Usage
    'os-instance-usage-audit-log/inst-usage-audit-log-index-get-resp': Case(given=audits),
    'os-instance-usage-audit-log/inst-usage-audit-log-show-get-resp': Case(given=audits),
    # While the cell cannot be reached
    'os-services/v2.69/services-list-get-resp': Case(user=f'owner@{CUT_OFF}'),
    **{
        f'servers/v2.69/{name}': Case(given=of_a_stranger, user=f'stranger@{CUT_OFF}')
        for name in ('server-get-resp', 'servers-details-resp', 'servers-list-resp')
    },
    'servers/v2.71/server-get-down-cell-resp': Case(
        'GET /servers/{server_id}', given=of_a_stranger, user=f'stranger@{CUT_OFF}'
    ),
    # Versions
    'versions/versions-get-resp': Case('GET (root)/'),
    'versions/v2-version-get-resp': Case('GET (root)/v2'),
    'versions/v21-version-get-resp': Case('GET (root)/v2.1'),
    # Proxies
    **{
        f'images/{name}': Case(given=an_image)
        for name in ('image-get-resp', 'image-metadata-get-resp', 'images-details-get-resp')
    },
    **{
        f'images/image-metadata-{change}-{part}': Case(given=an_image, user='member')
        for change in ('post', 'put')
        for part in ('req', 'resp')
    },
    'images/image-meta-key-get': Case(given=an_image, free=frozenset({'meta'})),
    'images/image-meta-key-put-req': Case(given=of_an_image('auto_disk_config')),
    'images/image-meta-key-put-resp': Case(given=of_an_image('auto_disk_config')),
    'os-floating-ips/floating-ips-list-empty-resp': Case('GET /os-floating-ips', user='stranger'),
    'os-floating-ips/floating-ips-list-resp': Case(given=a_floating_ip),
    'servers/server-action-addfloatingip-req': Case(given=with_a_floating_ip),
    'servers/server-action-removefloatingip-req': Case(given=with_a_floating_ip),
    'os-multinic/multinic-remove-fixed-ip-req': Case(given=a_fixed_address),
    **{f'os-networks/{name}': Case(user='owner') for name in ('network-show-resp', 'networks-list-resp')},
    'os-security-groups/security-group-post-req': Case(given=without_group_test),
    'os-security-groups/security-groups-create-resp': Case(sends='security-group-post-req', given=without_group_test),
    'os-security-groups/security-group-add-post-req': Case(given=a_group_test),
    'os-security-groups/security-group-remove-post-req': Case(given=in_group_test),
    # Whether groups have rules is as it happens to be; the form of a rule is looked at where one is made.
    'os-security-groups/security-groups-list-get-resp': Case(free=frozenset({'rules'})),
    **{f'os-security-groups/security-group-rules-post-{part}': Case(given=without_rules) for part in ('req', 'resp')},
    'os-security-groups/server-security-groups-list-resp': Case(given=in_group_test, free=frozenset({'rules'})),
    # A new volume is not attached; that of the sample is.
    'os-volumes/os-volumes-post-resp': Case(free=frozenset({'attachments'})),
    **{f'os-volumes/os-volumes-{name}-resp': Case(given=volumes) for name in ('detail', 'get', 'index')},
    **{f'os-snapshots/snapshots-{name}-resp': Case(given=volumes) for name in ('detail', 'list', 'show')},
    **{
        f'os-volume_attachments/{name}': Case(given=with_a_volume)
        for name in ('list-volume-attachments-resp', 'volume-attachment-detail-resp')
    },
    'os-volume_attachments/update-volume-req': Case(given=with_another_volume),
    'os-volume_attachments/update-volume-attachment-delete-flag-req': Case(given=as_the_body_says),
    'os-virtual-interfaces/vifs-list-resp-v2': Case('GET /servers/{server_id}/os-virtual-interfaces'),
}


# Requests, and responses to such, that are refused as they should be: the status, and why.
NO_POWER = 'Neither driver controls the power of hosts, or their maintenance.'
NO_CONSOLE = 'Guests of this cloud have a VNC console only.'
REFUSED = {
    'os-baremetal-nodes/baremetal-node-get-resp': (501, 'This cloud has no Ironic.'),
    'os-baremetal-nodes/baremetal-node-list-resp': (501, 'This cloud has no Ironic.'),
    **{f'os-hosts/host-get-{what}': (501, NO_POWER) for what in ('reboot', 'shutdown', 'startup')},
    **{f'os-hosts/host-put-maintenance-{part}': (501, NO_POWER) for part in ('req', 'resp')},
    'os-keypairs/v2.92/keypairs-post-req': (400, 'From 2.92 a key must be brought along.'),
    'os-server-external-events/event-create-req': (400, 'There is no event of the name `test-event`.'),
    **{
        f'servers/{version}/server-create-req': (501, 'Servers have no volumes.')
        for version in ('v2.32', 'v2.42', 'v2.67')
    },
    **{
        f'servers/{version}/server-create-req': (501, 'Signatures of images are not verified.')
        for version in ('v2.63', 'v2.66')
    },
    'servers/v2.90/server-create-req': (400, 'It has a `personality`, which ended with 2.56, and no `networks`.'),
    'servers/v2.94/server-create-req': (400, 'It has a `personality`, which ended with 2.56, and no `networks`.'),
    'os-console-auth-tokens/v2.31/create-serial-console-req': (400, NO_CONSOLE),
    **{
        f'os-remote-consoles/{name}': (400, NO_CONSOLE)
        for name in (
            'get-serial-console-post-req',
            'get-serial-console-post-resp',
            'get-spice-console-post-req',
            'get-spice-console-post-resp',
            'v2.6/create-rdp-console-req',
            'v2.8/create-mks-console-req',
            'v2.8/create-mks-console-resp',
        )
    },
}
# What is not as published yet, and what it waits for.
NOT_YET = {
    **{
        f'os-volume_attachments/{version}{name}-resp': 'Servers have no volumes.'
        for version in ('', 'v2.49/', 'v2.70/', 'v2.79/', 'v2.85/', 'v2.89/')
        for name in ('list-volume-attachments', 'volume-attachment-detail')
    },
    'os-server-topology/v2.78/servers-topology-resp': 'Guests have no NUMA nodes.',
    'os-server-topology/v2.78/servers-topology-resp-user': 'Guests have no NUMA nodes.',
}


def of(sample: Sample) -> Case:
    """The case of a sample: for its version if there is one, or for its name."""
    return CASES.get(sample.path.removesuffix('.json')) or CASES.get(f'{sample.folder}/{sample.name}') or Case()
