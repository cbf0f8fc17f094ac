"""What a sample says too little of: the call that is cited for none, what must be so before it, what is free in it."""

import dataclasses
from collections.abc import Callable
from typing import Any

from nova.db.stores import servers
from nova.domain.lifecycle import State
from nova.domain.migration import LIVE, RESIZE
from tests.functional.samples.index import Sample
from tests.functional.samples.scene import EMPTY_HOST, PUBLIC_KEY, UNLIMITED, Scene

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
        for verb in verbs:
            answer = scene.owner.ask('POST', f'/servers/{server_id}/action', verb)
            assert answer.status_int in (200, 202, 501), answer.text
            if answer.status_int == 501:
                with scene.cloud.databases.own.writing() as tx:
                    servers.reset(tx, server_id, state)
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


def migrations(scene, sample):
    """A server that was moved twice; the marker is the newer move."""
    if 'moved' not in scene.kept:
        scene.kept['moved'] = scene.a_server_id()
        for kind, status in ((LIVE, 'running'), (RESIZE, 'finished')):
            scene.moves(scene.kept['moved'], kind, status)
    found = scene.owner.get('/os-migrations', '2.59')['migrations']
    live = next(entry for entry in found if entry['migration_type'] == LIVE)
    return {'server_id': scene.kept['moved'], 'migration_id': str(live['id']), 'marker': found[0]['uuid']}


def an_image(scene, sample):
    """One that belongs to the project, as a snapshot of a server does."""
    properties = {'auto_disk_config': 'True', 'foo': 'bar', 'instance_uuid': scene.name('server_id', sample.version)}
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
    names = a_private_flavor(scene, sample)
    scene.owner.post('/flavors/10/action', {'addTenantAccess': {'tenant': 'fake_tenant'}}, '2.1', 200)
    return names


def without_keypair(scene, sample):
    """Neither Alice nor `fake` has a key of the name that the sample gives."""
    keypair = sample.body['keypair']
    for query in ('', '?user_id=fake'):
        scene.owner.ask('DELETE', f'/os-keypairs/{keypair["name"]}{query}', version='2.10')


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
        scene.kept['second'] = scene.a_server_id()


def an_action_before(scene, sample):
    """A server with two actions; the marker is the newer."""
    server_id = scene.name('server_id', sample.version)
    actions = scene.owner.get(f'/servers/{server_id}/os-instance-actions', '2.58')['instanceActions']
    if len(actions) < 2:
        act(scene, server_id, {'os-stop': None})
        act(scene, server_id, {'os-start': None})
        actions = scene.owner.get(f'/servers/{server_id}/os-instance-actions', '2.58')['instanceActions']
    return {'marker': actions[0]['request_id']}


def interfaces(scene, sample):
    server_id = scene.name('server_id', sample.version)
    (port, *_more) = scene.owner.get(f'/servers/{server_id}/os-interface', '2.1')['interfaceAttachments']
    return {'port_id': port['port_id']}


ACTION = 'POST /servers/{server_id}/action'
rescued = become(State.RESCUED, {'rescue': None})
resized = become(State.RESIZED, {'resize': {'flavorRef': '2'}})
# What must be so before an action.
VERBS = {
    'os-deferred-delete/restore-post-req': become(State.SOFT_DELETED, {'softDelete': None}),
    'os-lock-server/unlock-server': become(State.ACTIVE, {'lock': None}),
    'os-migrate-server/live-migrate-server': to_another_host,
    'os-migrate-server/migrate-server': to_another_host,
    'os-migrate-server/migrate-server-null': to_another_host,
    'os-pause-server/unpause-server': become(State.PAUSED, {'pause': None}),
    'os-preserve-ephemeral-rebuild/server-action-rebuild-preserve-ephemeral': nothing,
    'os-rescue/server-rescue-req': nothing,
    'os-rescue/server-unrescue-req': rescued,
    'os-shelve/os-shelve-offload': become(State.SHELVED, {'shelve': None}),
    **{f'os-shelve/os-unshelve{name}': become(State.SHELVED, {'shelve': None}) for name in ('', '-az')},
    **{
        f'os-shelve/os-unshelve-{name}': become(State.SHELVED_OFFLOADED, {'shelve': None}, {'shelveOffload': None})
        for name in ('az-host', 'host', 'host-and-unpin-az', 'unpin-az')
    },
    'os-suspend-server/server-resume': become(State.SUSPENDED, {'suspend': None}),
    'server-migrations/live-migrate-server': to_another_host,
    'servers/lock-server-with-reason': nothing,
    'servers/server-action-confirm-resize': resized,
    'servers/server-action-revert-resize': resized,
    'servers/server-action-start': become(State.STOPPED, {'os-stop': None}),
}
SINCE, BEFORE = 'changes-since=2000-01-01T00:00:00Z', 'changes-before=2100-01-01T00:00:00Z'
ACTIONS_LIST = 'GET /servers/{server_id}/os-instance-actions'
AGGREGATE_ACTION = 'POST /os-aggregates/{aggregate_id}/action'
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
    'os-keypairs/keypairs-import-post-req': Case(given=without_keypair),
    'os-keypairs/keypairs-import-post-resp': Case(sends='keypairs-import-post-req', given=without_keypair),
    'os-keypairs/keypairs-post-req': Case('POST /os-keypairs', given=without_keypair),
    'os-keypairs/keypairs-post-resp': Case('POST /os-keypairs', given=without_keypair),
    'os-keypairs/keypairs-list-user1-resp': Case('GET /os-keypairs'),
    'os-keypairs/keypairs-list-user2-resp': Case('GET /os-keypairs', given=keypair_of_fake, query='user_id=fake'),
    # Aggregates
    'os-aggregates/aggregate-post-req': Case(given=without_aggregates),
    'os-aggregates/aggregate-post-resp': Case(given=without_aggregates),
    'os-aggregates/aggregate-update-post-req': Case(given=an_aggregate),
    'os-aggregates/aggregate-update-post-resp': Case(given=an_aggregate_with_a_host),
    'os-aggregates/aggregate-add-host-post-req': Case(given=an_aggregate),
    'os-aggregates/aggregates-add-host-post-resp': Case(sends='aggregate-add-host-post-req', given=an_aggregate),
    'os-aggregates/aggregate-remove-host-post-req': Case(given=an_aggregate_with_a_host),
    'os-aggregates/aggregates-remove-host-post-resp': Case(
        sends='aggregate-remove-host-post-req', given=an_aggregate_with_a_host
    ),
    'os-aggregates/aggregate-metadata-post-req': Case(given=an_aggregate),
    'os-aggregates/aggregates-metadata-post-resp': Case(
        sends='aggregate-metadata-post-req', given=an_aggregate_with_a_host
    ),
    'os-aggregates/aggregates-get-resp': Case(given=an_aggregate_with_a_host),
    'os-aggregates/aggregates-list-get-resp': Case(given=an_aggregate_with_a_host),
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
    'os-hypervisors/v2.53/hypervisors-search-resp': Case(
        'GET /os-hypervisors', query='hypervisor_hostname_pattern=h1'
    ),
    'os-hypervisors/v2.88/hypervisors-search-resp': Case(
        'GET /os-hypervisors', query='hypervisor_hostname_pattern=h1'
    ),
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
        for noop, user in (('', 'owner'), ('-noop', UNLIMITED))
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
    'os-server-tags/servers-tags-details-resp': Case('GET /servers/detail'),
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
    'servers/v2.74/server-create-resp': Case(sends='server-create-req-with-host-and-node'),
    'servers/server-create-req-with-only-host': Case('POST /servers'),
    'servers/server-create-req-with-only-node': Case('POST /servers'),
    'servers/server-put-req': Case('PUT /servers/{server_id}'),
    'servers/server-put-resp': Case('PUT /servers/{server_id}'),
    'servers/servers-list-status-resp': Case('GET /servers', given=two_servers, query='status=active'),
    'servers/servers-list-with-changes-before': Case('GET /servers', query=BEFORE),
    'servers/servers-details-with-changes-before': Case('GET /servers/detail', query=BEFORE),
    'servers-sort/server-sort-keys-list-resp': Case('GET /servers', query='sort_key=display_name&sort_dir=asc'),
    # Migrations
    **{
        f'os-migrations/migrations-get{name}': Case('GET /os-migrations', given=migrations, query=query)
        for name, query in {
            '': '',
            '-with-limit': '',
            '-with-changes-since': SINCE,
            '-with-changes-before': BEFORE,
            '-with-marker': 'marker={marker}',
            '-with-user-or-project-id': 'user_id=alice',
        }.items()
    },
    **{f'server-migrations/{name}': Case(given=migrations) for name in ('migrations-get', 'migrations-index')},
    'server-migrations/force_complete': Case(given=migrations),
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
    'os-floating-ips/floating-ips-list-empty-resp': Case('GET /os-floating-ips'),
}


def of(sample: Sample) -> Case:
    """The case of a sample: for its version if there is one, or for its name."""
    return CASES.get(sample.path.removesuffix('.json')) or CASES.get(f'{sample.folder}/{sample.name}') or Case()
