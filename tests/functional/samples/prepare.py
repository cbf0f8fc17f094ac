"""What must be so before the call of a sample: each takes the scene and the sample, and returns names or None."""

import datetime
import urllib.parse
from typing import Any

from nova.db.stores import usage_audits
from nova.domain.lifecycle import Activity, State
from nova.domain.migration import LIVE, RESIZE
from nova.domain.usage_audit import UsageAudit, last_period
from tests.functional.samples.index import Sample
from tests.functional.samples.scene import EMPTY_HOST, KEPT, PUBLIC_KEY, Scene

# One move was before, one after.
BETWEEN = datetime.datetime(2026, 1, 15, tzinfo=datetime.UTC)


def nothing(scene: Scene, sample: Sample) -> None:
    """What the sample says is enough."""


def act(scene, server_id, body, version='2.1'):
    scene.owner.post(f'/servers/{server_id}/action', body, version)
    return scene.owner.wait(server_id)


def become(state: State, *verbs: dict[str, Any]):
    """A fresh server comes into a state by these verbs. Where one is not built, the state is noted in the database, so
    that the check of the state lets the sample pass on to its own verb."""

    def given(scene, sample):
        server_id = scene.names['server_id'] = scene.a_server_id()
        if not verbs:
            scene.note(server_id, state)
        for verb in verbs:
            answer = scene.owner.ask('POST', f'/servers/{server_id}/action', verb)
            assert answer.status_int in (200, 202, 501), answer.text
            if answer.status_int == 501:
                scene.note(server_id, state)
                return
            scene.cloud.settle()
        reached = scene.owner.server(server_id)['OS-EXT-STS:vm_state']
        assert reached == state.value, reached

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
