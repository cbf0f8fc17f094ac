"""What a sample says too little of: the call that is cited for none, what must be so before it, what is free in it."""

import dataclasses
from collections.abc import Callable
from typing import Any

from nova.domain.lifecycle import State
from tests.functional.client import IMAGE_ID
from tests.functional.samples import prepare
from tests.functional.samples.index import Sample
from tests.functional.samples.scene import CUT_OFF, KEPT, NETWORK_OF_SAMPLES, UNLIMITED, Scene

# Below these are so many levels of names that somebody chose.
NAMED = {'addresses': 1, 'hosts': 2, 'log': 1}
# Below these lies what users choose, or as many as there happen to be.
FREE = frozenset({'metadata', 'meta', 'extra_specs', 'tags', 'server_groups', 'os-extended-volumes:volumes_attached'})


@dataclasses.dataclass(frozen=True)
class Case:
    """`route` stands for the cited one. `sends` names the request whose answer the sample is, or is the body.
    `given` prepares, and returns names for the path and the body. `then` is a path to look at after the call:
    what is there is compared with the sample. `since` is the version, where the file does not lie at it."""

    route: str = ''
    sends: str | dict[str, Any] | None = None
    given: Callable[[Scene, Sample], dict[str, str] | None] = prepare.nothing
    then: str = ''
    query: str = ''
    user: str = ''
    since: str = ''
    free: frozenset[str] = frozenset()


A_SERVER = {
    'server': {'name': 'one', 'imageRef': IMAGE_ID, 'flavorRef': '1', 'networks': [{'uuid': NETWORK_OF_SAMPLES}]}
}
AN_EVENT = {'events': [{'name': 'network-changed', 'tag': 'foo', 'status': 'completed', 'server_uuid': 'any'}]}
# Servers whose published request is refused: their answer is that of a simpler one.
OF_ANOTHER = ('v2.32', 'v2.42', 'v2.67', 'v2.90', 'v2.94')
ACTION = 'POST /servers/{server_id}/action'
rescued = prepare.become(State.RESCUED, {'rescue': None})
resized = prepare.become(State.RESIZED, {'resize': {'flavorRef': '2'}})
# What must be so before an action.
VERBS = {
    'os-deferred-delete/restore-post-req': prepare.become(State.SOFT_DELETED),
    'os-lock-server/unlock-server': prepare.become(State.ACTIVE, {'lock': None}),
    'os-migrate-server/live-migrate-server': prepare.to_another_host,
    'os-migrate-server/migrate-server': prepare.to_another_host,
    'os-migrate-server/migrate-server-null': prepare.to_another_host,
    'os-pause-server/unpause-server': prepare.become(State.PAUSED, {'pause': None}),
    'os-preserve-ephemeral-rebuild/server-action-rebuild-preserve-ephemeral': prepare.nothing,
    'os-rescue/server-rescue-req': prepare.nothing,
    'os-rescue/server-unrescue-req': rescued,
    'os-shelve/os-shelve-offload': prepare.become(State.SHELVED, {'shelve': None}),
    'os-shelve/os-unshelve': prepare.become(State.SHELVED, {'shelve': None}),
    **{
        f'os-shelve/os-unshelve-{name}': prepare.become(
            State.SHELVED_OFFLOADED, {'shelve': None}, {'shelveOffload': None}
        )
        for name in ('az', 'az-host', 'host', 'host-and-unpin-az', 'unpin-az')
    },
    'os-suspend-server/server-resume': prepare.become(State.SUSPENDED, {'suspend': None}),
    'server-migrations/live-migrate-server': prepare.to_another_host,
    'servers/lock-server-with-reason': prepare.nothing,
    'servers/server-action-confirm-resize': resized,
    'servers/server-action-revert-resize': resized,
    'servers/server-action-start': prepare.become(State.STOPPED, {'os-stop': None}),
}
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
    'flavor-access/flavor-create-req': Case('POST /flavors', given=prepare.without_flavor_10),
    'flavor-access/flavor-access-add-tenant-req': Case(given=prepare.a_private_flavor),
    'flavor-access/flavor-access-add-tenant-resp': Case(given=prepare.a_private_flavor),
    'flavor-access/flavor-access-list-resp': Case(given=prepare.a_private_flavor),
    'flavor-access/flavor-access-remove-tenant-req': Case(given=prepare.shared_with_fake_tenant),
    'flavor-access/flavor-access-remove-tenant-resp': Case(given=prepare.shared_with_fake_tenant),
    'flavor-extra-specs/flavor-extra-specs-get-resp': Case(free=frozenset({'hw:numa_nodes'})),
    'flavor-manage/flavor-create-post-req': Case(given=prepare.without_flavor_10),
    'flavor-manage/flavor-create-post-resp': Case(given=prepare.without_flavor_10),
    'flavor-manage/flavor-update-req': Case(given=prepare.a_private_flavor),
    'flavor-manage/flavor-update-resp': Case(given=prepare.a_private_flavor),
    # Keypairs
    'os-keypairs/keypairs-import-post-req': Case(given=prepare.without_keypairs),
    'os-keypairs/keypairs-import-post-resp': Case(given=prepare.without_keypairs, user='owner'),
    'os-keypairs/keypairs-post-req': Case('POST /os-keypairs', given=prepare.without_keypairs),
    'os-keypairs/keypairs-post-resp': Case('POST /os-keypairs', given=prepare.without_keypairs, user='owner'),
    'os-keypairs/keypairs-list-user1-resp': Case('GET /os-keypairs'),
    'os-keypairs/keypairs-list-user2-resp': Case(
        'GET /os-keypairs', given=prepare.keypair_of_fake, query='user_id=fake', user='owner'
    ),
    # Aggregates
    'os-aggregates/aggregate-post-req': Case(given=prepare.without_aggregates),
    'os-aggregates/aggregate-post-resp': Case(given=prepare.without_aggregates),
    'os-aggregates/aggregate-update-post-req': Case(given=prepare.an_aggregate),
    'os-aggregates/aggregate-update-post-resp': Case(given=prepare.an_aggregate_as_shown),
    'os-aggregates/aggregate-add-host-post-req': Case(given=prepare.an_aggregate),
    'os-aggregates/aggregates-add-host-post-resp': Case(
        sends='aggregate-add-host-post-req', given=prepare.an_aggregate
    ),
    'os-aggregates/aggregate-remove-host-post-req': Case(given=prepare.an_aggregate_with_a_host),
    'os-aggregates/aggregates-remove-host-post-resp': Case(
        sends='aggregate-remove-host-post-req', given=prepare.an_aggregate_with_a_host
    ),
    'os-aggregates/aggregate-metadata-post-req': Case(given=prepare.an_aggregate),
    'os-aggregates/aggregates-metadata-post-resp': Case(
        sends='aggregate-metadata-post-req', given=prepare.an_aggregate_as_shown
    ),
    'os-aggregates/aggregates-get-resp': Case(given=prepare.an_aggregate_as_shown),
    'os-aggregates/aggregates-list-get-resp': Case(given=prepare.an_aggregate_as_shown),
    'os-aggregates/aggregate-images-post-req': Case(given=prepare.an_aggregate_with_a_host),
    # Hosts
    'os-hosts/host-put-maintenance-req': Case(given=prepare.the_empty_host),
    'os-hosts/host-put-maintenance-resp': Case(given=prepare.the_empty_host),
    'os-hypervisors/hypervisors-with-servers-resp': Case(given=prepare.a_host_with_servers),
    'os-hypervisors/v2.53/hypervisors-with-servers-resp': Case(
        'GET /os-hypervisors',
        given=prepare.a_host_with_servers,
        query='hypervisor_hostname_pattern=h1&with_servers=true',
    ),
    'os-hypervisors/v2.88/hypervisors-with-servers-resp': Case(
        'GET /os-hypervisors',
        given=prepare.a_host_with_servers,
        query='hypervisor_hostname_pattern=h1&with_servers=true',
    ),
    'os-hypervisors/v2.28/hypervisors-with-servers-resp': Case(
        'GET /os-hypervisors/{hypervisor_hostname_pattern}/servers', given=prepare.a_host_with_servers
    ),
    'os-hypervisors/hypervisors-without-servers-resp': Case(
        'GET /os-hypervisors/{hypervisor_hostname_pattern}/servers', given=prepare.the_empty_host
    ),
    'os-hypervisors/v2.53/hypervisors-without-servers-resp': Case(
        'GET /os-hypervisors', query='hypervisor_hostname_pattern=h3&with_servers=true'
    ),
    'os-hypervisors/hypervisors-detail-with-servers-resp': Case(
        'GET /os-hypervisors/detail',
        given=prepare.a_host_with_servers,
        query='hypervisor_hostname_pattern=h1&with_servers=1',
    ),
    'os-hypervisors/hypervisors-show-with-servers-resp': Case(
        given=prepare.a_host_with_servers, query='with_servers=1'
    ),
    'os-hypervisors/v2.53/hypervisors-search-resp': Case('GET /os-hypervisors', query='hypervisor_hostname_pattern=h1'),
    'os-hypervisors/v2.88/hypervisors-search-resp': Case('GET /os-hypervisors', query='hypervisor_hostname_pattern=h1'),
    **{
        f'os-services/service-{change}-put-{part}': Case(given=prepare.the_empty_host)
        for change in ('disable', 'disable-log', 'enable', 'force-down')
        for part in ('req', 'resp')
    },
    **{
        f'os-services/v2.53/service-disable-put-{part}': Case('PUT /os-services/{service_id}')
        for part in ('req', 'resp')
    },
    # Quotas
    **{
        f'os-quota-sets{noop}/{name}': Case(route, given=prepare.another_project, query=query, user=user)
        for noop, user in (('', 'owner'), ('-noop', f'owner@{UNLIMITED}'))
        for name, (route, query) in QUOTAS.items()
    },
    # Server groups, usage
    'os-server-groups/server-groups-list-resp': Case(given=prepare.a_server_group),
    'servers/server-groups-post-req': Case('POST /os-server-groups'),
    'servers/server-groups-post-resp': Case('POST /os-server-groups'),
    'os-simple-tenant-usage/simple-tenant-usage-get-detail': Case(given=prepare.two_servers, query='detailed=1'),
    'os-simple-tenant-usage/simple-tenant-usage-get': Case(given=prepare.two_servers),
    'os-simple-tenant-usage/simple-tenant-usage-get-all': Case(
        'GET /os-simple-tenant-usage', given=prepare.two_servers, query='detailed=1'
    ),
    'os-simple-tenant-usage/simple-tenant-usage-get-specific': Case(given=prepare.two_servers),
    # Of servers
    'os-instance-actions/instance-action-get-non-admin-resp': Case(user='member'),
    'os-instance-actions/instance-actions-list-with-changes-since': Case(ACTIONS_LIST, query=SINCE),
    'os-instance-actions/instance-actions-list-with-changes-before': Case(ACTIONS_LIST, query=BEFORE),
    'os-instance-actions/instance-actions-list-with-limit-resp': Case(given=prepare.an_action_before),
    'os-instance-actions/instance-actions-list-with-marker-resp': Case(
        ACTIONS_LIST, given=prepare.an_action_before, query='marker={marker}'
    ),
    'os-attach-interfaces/attach-interfaces-show-resp': Case(given=prepare.interfaces),
    'os-attach-interfaces/attach-interfaces-create-net_id-req': Case(given=prepare.a_network_of_its_own),
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
        f'os-evacuate/server-evacuate{name}': Case(ACTION, given=prepare.on_a_host_that_is_down)
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
        f'{folder}/{name}': Case(
            f'GET /servers{detail}', given=prepare.two_servers, query=f'name={KEPT}&{query}'.rstrip('&')
        )
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
        f'os-migrations/migrations-get{name}': Case('GET /os-migrations', given=prepare.migrations, query=query)
        for name, query in {
            '': '',
            '-with-limit': '',
            '-with-changes-since': f'changes-since={prepare.BETWEEN:%Y-%m-%dT%H:%M:%SZ}',
            '-with-changes-before': f'changes-before={prepare.BETWEEN:%Y-%m-%dT%H:%M:%SZ}',
            '-with-marker': 'marker={marker}',
            '-with-user-or-project-id': 'user_id=alice',
        }.items()
    },
    **{f'server-migrations/{name}': Case(given=prepare.migrations) for name in ('migrations-get', 'migrations-index')},
    'server-migrations/force_complete': Case(given=prepare.live_migrating),
    # Usage
    'os-instance-usage-audit-log/inst-usage-audit-log-index-get-resp': Case(given=prepare.audits),
    'os-instance-usage-audit-log/inst-usage-audit-log-show-get-resp': Case(given=prepare.audits),
    # While the cell cannot be reached
    'os-services/v2.69/services-list-get-resp': Case(user=f'owner@{CUT_OFF}'),
    **{
        f'servers/v2.69/{name}': Case(given=prepare.of_a_stranger, user=f'stranger@{CUT_OFF}')
        for name in ('server-get-resp', 'servers-details-resp', 'servers-list-resp')
    },
    'servers/v2.71/server-get-down-cell-resp': Case(
        'GET /servers/{server_id}', given=prepare.of_a_stranger, user=f'stranger@{CUT_OFF}'
    ),
    # Versions
    'versions/versions-get-resp': Case('GET (root)/'),
    'versions/v2-version-get-resp': Case('GET (root)/v2'),
    'versions/v21-version-get-resp': Case('GET (root)/v2.1'),
    # Proxies
    **{
        f'images/{name}': Case(given=prepare.an_image)
        for name in ('image-get-resp', 'image-metadata-get-resp', 'images-details-get-resp')
    },
    **{
        f'images/image-metadata-{change}-{part}': Case(given=prepare.an_image, user='member')
        for change in ('post', 'put')
        for part in ('req', 'resp')
    },
    'images/image-meta-key-get': Case(given=prepare.an_image, free=frozenset({'meta'})),
    'images/image-meta-key-put-req': Case(given=prepare.of_an_image('auto_disk_config')),
    'images/image-meta-key-put-resp': Case(given=prepare.of_an_image('auto_disk_config')),
    'os-floating-ips/floating-ips-list-empty-resp': Case('GET /os-floating-ips', user='stranger'),
    'os-floating-ips/floating-ips-list-resp': Case(given=prepare.a_floating_ip),
    'servers/server-action-addfloatingip-req': Case(given=prepare.with_a_floating_ip),
    'servers/server-action-removefloatingip-req': Case(given=prepare.with_a_floating_ip),
    'os-multinic/multinic-remove-fixed-ip-req': Case(given=prepare.a_fixed_address),
    **{f'os-networks/{name}': Case(user='owner') for name in ('network-show-resp', 'networks-list-resp')},
    'os-security-groups/security-group-post-req': Case(given=prepare.without_group_test),
    'os-security-groups/security-groups-create-resp': Case(
        sends='security-group-post-req', given=prepare.without_group_test
    ),
    'os-security-groups/security-group-add-post-req': Case(given=prepare.a_group_test),
    'os-security-groups/security-group-remove-post-req': Case(given=prepare.in_group_test),
    # Whether groups have rules is as it happens to be; the form of a rule is looked at where one is made.
    'os-security-groups/security-groups-list-get-resp': Case(free=frozenset({'rules'})),
    **{
        f'os-security-groups/security-group-rules-post-{part}': Case(given=prepare.without_rules)
        for part in ('req', 'resp')
    },
    'os-security-groups/server-security-groups-list-resp': Case(given=prepare.in_group_test, free=frozenset({'rules'})),
    # A new volume is not attached; that of the sample is.
    'os-volumes/os-volumes-post-resp': Case(free=frozenset({'attachments'})),
    **{f'os-volumes/os-volumes-{name}-resp': Case(given=prepare.volumes) for name in ('detail', 'get', 'index')},
    **{f'os-snapshots/snapshots-{name}-resp': Case(given=prepare.volumes) for name in ('detail', 'list', 'show')},
    **{
        f'os-volume_attachments/{name}': Case(given=prepare.with_a_volume)
        for name in ('list-volume-attachments-resp', 'volume-attachment-detail-resp')
    },
    'os-volume_attachments/update-volume-req': Case(given=prepare.with_another_volume),
    'os-volume_attachments/update-volume-attachment-delete-flag-req': Case(given=prepare.as_the_body_says),
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
