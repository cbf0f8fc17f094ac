"""Each published notification, made again of domain values: the same names at every depth, and the same values."""

import dataclasses
import datetime
import json
from pathlib import Path

import pytest

from nova.context import Context
from nova.db.stores.aggregates import Aggregate
from nova.db.stores.server_groups import ServerGroup
from nova.domain.block_device import BlockDevice
from nova.domain.flavor import Flavor
from nova.domain.host import Service
from nova.domain.image import Image
from nova.domain.keypair import KeyPair
from nova.domain.lifecycle import TRANSITIONS, Activity, Power, State
from nova.domain.network import FixedIP, Network, Port
from nova.domain.notifications import payloads, servers, verbs
from nova.domain.notifications.envelope import Notification, plain, unversioned
from nova.domain.server import Server, ServerRequest
from nova.operations.registry import OPERATIONS
from tests.published import differences

DIRECTORY = Path(__file__).parents[2] / 'notification_samples'
KINDS = {kind.name: kind for kind in vars(servers).values() if isinstance(kind, servers.Kind)}
# Of what this cloud has not: file shares, monitors and the use of volumes. And hosts tell their conductor, not the
# world, that libvirt is away.
NOT_MADE = {
    'InstanceActionSharePayload',
    'LibvirtErrorPayload',
    'MetricsPayload',
    'VolumeUsagePayload',
}
# Published events that nothing here tells of: those of NOT_MADE, of live migration step by step, of the scheduler
# beside the verbs that ask it.
NOT_TOLD = {
    *(f'instance.share_{what}.{phase}' for what in ('attach', 'detach') for phase in ('start', 'end', 'error')),
    'libvirt.connect.error',
    'metrics.update',
    'volume.usage',
    'instance.live_migration_abort.start',
    'instance.live_migration_abort.end',
    'instance.live_migration_force_complete.start',
    'instance.live_migration_force_complete.end',
    'instance.live_migration_pre.end',
    'instance.live_migration_post.start',
    'instance.live_migration_post.end',
    'instance.live_migration_post_dest.start',
    'instance.live_migration_rollback_dest.start',
    'instance.live_migration_rollback_dest.end',
    'instance.rebuild_scheduled',
    'scheduler.select_destinations.start',
    'scheduler.select_destinations.end',
}
# Those of the API and of what conductors do without an operation.
TOLD_ELSEWHERE = {
    *(f'aggregate.{what}.{phase}' for phase in ('start', 'end') for what in (
        'create', 'delete', 'add_host', 'remove_host', 'update_prop', 'update_metadata', 'cache_images')),
    'aggregate.cache_images.progress',
    'compute.exception',
    *(f'flavor.{what}' for what in ('create', 'update', 'delete')),
    *(f'keypair.{what}.{phase}' for what in ('create', 'import', 'delete') for phase in ('start', 'end')),
    *(f'server_group.{what}' for what in ('create', 'delete', 'add_member')),
    *(f'service.{what}' for what in ('create', 'update', 'delete')),
    'instance.exists',
    'instance.lock',
    'instance.unlock',
    'instance.update',
}  # fmt: skip


def merged(below, above):
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return below | {key: merged(below.get(key), value) for key, value in above.items()}


def resolved(value, directory):
    """A sample with its references replaced by what they name."""
    if isinstance(value, list):
        return [resolved(item, directory) for item in value]
    if not isinstance(value, dict):
        return value
    own = {key: resolved(item, directory) for key, item in value.items() if key != '$ref'}
    if '$ref' not in value:
        return own
    path = directory / value['$ref'].rstrip('#')
    return merged(resolved(json.loads(path.read_text()), path.parent), own)


SAMPLES = {path.stem: resolved(json.loads(path.read_text()), DIRECTORY) for path in sorted(DIRECTORY.glob('*.json'))}


def of_payload(*names):
    return [stem for stem, sample in SAMPLES.items() if sample['payload']['nova_object.name'] in names]


def data_of(stem):
    return SAMPLES[stem]['payload']['nova_object.data']


def at(text):
    return datetime.datetime.fromisoformat(text) if text else None


def a_flavor(data):
    return Flavor(
        data['flavorid'],
        data['name'],
        data['vcpus'],
        data['memory_mb'],
        data['root_gb'],
        data['ephemeral_gb'],
        data['swap'],
        data['rxtx_factor'],
        data['is_public'],
        data['disabled'],
        data['description'],
        data['extra_specs'] or {},
    )


def a_port(data):
    network = Network('n', data['label'])
    fixed = (FixedIP(data['address'], 's', data['version']),)
    return Port(data['port_uuid'], data['mac'], network, fixed, devname=data['device_name'])


def a_disk(data):
    return BlockDevice('volume', 'volume', **data)


def a_keypair(data):
    return KeyPair(data['name'], data['user_id'], data['public_key'], data['fingerprint'], data['type'])


def inner(payload):
    return payload['nova_object.data']


def a_server(data):
    """The server that a payload tells of."""
    powers = {name: power for power, name in servers._POWERS.items()}
    keypairs = data.get('keypairs') or [{'nova_object.data': KEYPAIR | {'name': data['key_name']}}]
    return Server(
        id=data['uuid'],
        name=data['display_name'],
        hostname=data['host_name'],
        project_id=data['tenant_id'],
        user_id=data['user_id'],
        flavor=a_flavor(inner(data['flavor'])),
        state=State(data['state']),
        activity=data['task_state'] and Activity(data['task_state']),
        power=powers[data['power_state']],
        number=1,
        host=data['host'],
        node=data['node'],
        image_id=data['image_uuid'],
        image_properties={'hw_architecture': data['architecture']},
        ports=tuple(a_port(inner(entry)) for entry in data['ip_addresses']),
        keypair=a_keypair(inner(keypairs[0])),
        metadata=data['metadata'],
        tags=tuple(data.get('tags', ())),
        description=data['display_description'],
        locked=data['locked'],
        locked_reason=data['locked_reason'],
        availability_zone=data['availability_zone'],
        progress=data['progress'],
        disk_config=data['auto_disk_config'],
        reservation_id=data['reservation_id'],
        trusted_image_certificates=tuple(data.get('trusted_image_certificates') or ()),
        created_at=at(data['created_at']),
        updated_at=at(data['updated_at']),
        launched_at=at(data['launched_at']),
        terminated_at=at(data['terminated_at']),
    )


KEYPAIR = {'user_id': 'fake', 'public_key': 'ssh-rsa AAAA', 'fingerprint': '1e:2c', 'type': 'ssh'}


@pytest.mark.parametrize('stem', of_payload(*KINDS))
def test_a_server_is_told_of_as_published(stem):
    published = SAMPLES[stem]['payload']
    data, kind = data_of(stem), KINDS[published['nova_object.name']]
    who = Context(data['action_initiator_user'], data['action_initiator_project'], request_id=data['request_id'])
    disks = [a_disk(inner(entry)) for entry in data['block_devices']]
    told = servers.payload(kind, a_server(data), who, disks, **{name: data[name] for name in kind.facts})
    expected = json.loads(json.dumps(published))
    # File shares are not offered.
    expected['nova_object.data']['shares'] = []
    if stem == 'instance-soft_delete-start':
        # It is not deleted before it is.
        expected['nova_object.data']['deleted_at'] = None
    assert told == expected


def test_each_published_payload_of_a_server_is_there():
    of_servers = {name for name in names_of_payloads() if name.startswith('Instance')} - NOT_MADE
    assert of_servers == set(KINDS)


def names_of_payloads():
    return {sample['payload']['nova_object.name'] for sample in SAMPLES.values()}


def test_a_change_of_state_is_told_of_as_published():
    for stem in of_payload('InstanceUpdatePayload'):
        change = data_of(stem)['state_update']
        told = servers.state_update(State(inner(change)['old_state']), State(inner(change)['state']), None, None)
        assert told == change


@pytest.mark.parametrize('stem', of_payload('FlavorPayload'))
def test_a_flavor_is_told_of_as_published(stem):
    data = data_of(stem)
    told = payloads.flavor(a_flavor(data), data['projects'], extra_specs=data['extra_specs'] is not None)
    assert told == SAMPLES[stem]['payload']


@pytest.mark.parametrize('stem', of_payload('KeypairPayload'))
def test_a_key_pair_is_told_of_as_published(stem):
    data = data_of(stem)
    if data['fingerprint'] is None:
        told = payloads.keypair_to_be(data['user_id'], data['name'], data['type'], data['public_key'])
    else:
        told = payloads.keypair(a_keypair(data))
    assert told == SAMPLES[stem]['payload']


@pytest.mark.parametrize('stem', of_payload('AggregatePayload'))
def test_an_aggregate_is_told_of_as_published(stem):
    data = data_of(stem)
    if data['id'] is None:
        told = payloads.aggregate_to_be(data['uuid'], data['name'], data['metadata'])
    else:
        told = payloads.aggregate(
            Aggregate(data['id'], data['uuid'], data['name'], data['metadata'], tuple(data['hosts']))
        )
    assert told == SAMPLES[stem]['payload']


def test_images_that_are_fetched_ahead_are_told_of_as_published():
    published = SAMPLES['aggregate-cache_images-progress']['payload']
    data = inner(published)
    aggregate = Aggregate(data['id'], data['uuid'], data['name'], {})
    assert payloads.aggregate_images(aggregate, 'compute', 1, 1, data['images_cached'], []) == published


@pytest.mark.parametrize('stem', of_payload('ServiceStatusPayload'))
def test_a_daemon_is_told_of_as_published(stem):
    data = data_of(stem)
    service = Service(
        id=1,
        uuid=data['uuid'],
        host=data['host'],
        binary=data['binary'],
        topic=data['topic'],
        version=data['version'],
        enabled=not data['disabled'],
        disabled_reason=data['disabled_reason'],
        forced_down=data['forced_down'],
        seen_at=at(data['last_seen_up']),
        availability_zone=data['availability_zone'],
    )
    assert payloads.service(service) == SAMPLES[stem]['payload']


@pytest.mark.parametrize('stem', of_payload('ServerGroupPayload'))
def test_a_server_group_is_told_of_as_published(stem):
    data = data_of(stem)
    group = ServerGroup(
        data['uuid'],
        data['name'],
        data['project_id'],
        data['user_id'],
        data['policy'],
        {'max_server_per_host': 3},
        tuple(data['members']),
    )
    assert payloads.server_group(group) == SAMPLES[stem]['payload']


@pytest.mark.parametrize('stem', of_payload('ExceptionPayload'))
def test_an_error_is_told_of_as_published_but_for_its_traceback(stem):
    data = data_of(stem)
    told = payloads.failure(data['exception'], data['exception_message'], data['module_name'], data['function_name'])
    assert told == merged(SAMPLES[stem]['payload'], {'nova_object.data': {'traceback': ''}})


@pytest.mark.parametrize('stem', of_payload('ComputeTaskPayload', 'RequestSpecPayload'))
def test_a_request_for_a_host_is_told_of_in_the_published_form(stem):
    published = SAMPLES[stem]['payload']
    request = a_request(inner(published).get('request_spec', published))
    if published['nova_object.name'] == 'RequestSpecPayload':
        told = payloads.request_spec(request)
    else:
        told = payloads.compute_task(request, 'error', payloads.failure('NoRoom', 'No valid host was found.', 'm', 'f'))
    assert differences(told, published, free=frozenset({'extra_specs', 'tags'})) == []


def a_request(spec):
    data = inner(spec)
    image = inner(data['image'])
    return ServerRequest(
        server_id=data['instance_uuid'],
        name='x',
        hostname='x',
        project_id=data['project_id'],
        user_id=data['user_id'],
        flavor=a_flavor(inner(data['flavor'])),
        image=Image(image['id'], image['name'], properties=inner(image['properties'])),
        security_groups=tuple(data['security_groups']),
    )


def test_every_published_payload_is_compared():
    others = {
        'FlavorPayload', 'KeypairPayload', 'AggregatePayload', 'AggregateCachePayload', 'ServiceStatusPayload',
        'ServerGroupPayload', 'ExceptionPayload', 'ComputeTaskPayload', 'RequestSpecPayload',
    }  # fmt: skip
    assert names_of_payloads() == set(KINDS) | others | NOT_MADE


# The table of verbs


def told_of_verbs():
    """Every event of the table, with its payload's kind (None: an error) and its priority."""
    found = {}
    for line in verbs.VERBS.values():
        for event in (*line.starts, *line.ends, *(event for events in line.shows.values() for event in events)):
            found[event.name] = (event.kind, 'INFO')
        for name in line.steps.values():
            for event in (verbs.start(name), verbs.end(name)):
                found[event.name] = (event.kind, 'INFO')
        for event in line.fails:
            found[event.name] = (event.kind, 'ERROR' if event.name.endswith('.error') else 'INFO')
        if line.task:
            found[f'compute_task.{line.task}.error'] = (None, 'ERROR')
    return found


def test_every_verb_has_its_line():
    assert set(verbs.VERBS) == set(TRANSITIONS)


def test_every_operation_has_the_facts_that_its_line_names():
    for verb, operation in OPERATIONS.items():
        fields = {field.name for field in dataclasses.fields(operation)}
        assert {path.partition('.')[0] for path in verbs.of(verb).facts.values()} <= fields, verb
        steps = {step.name for step in operation.steps}
        assert set(verbs.of(verb).steps) <= steps, verb
        shown = {step.shows for step in operation.steps}
        assert set(verbs.of(verb).shows) <= shown, verb


def test_what_is_told_of_verbs_is_published_so():
    published = {sample['event_type']: sample for sample in SAMPLES.values()}
    for name, (kind, priority) in told_of_verbs().items():
        sample = published[name]
        assert sample['priority'] == priority
        assert kind is None or sample['payload']['nova_object.name'] == kind.name, name


def test_everything_published_is_told_or_known_not_to_be():
    published = {sample['event_type'] for sample in SAMPLES.values()}
    assert published == set(told_of_verbs()) | TOLD_ELSEWHERE | NOT_TOLD
    assert not NOT_TOLD & (set(told_of_verbs()) | TOLD_ELSEWHERE)


# Unversioned


def test_unversioned_is_the_data_alone():
    payload = servers.payload(servers.ACTION, a_server(data_of('instance-pause-end')), Context(), fault=None)
    told = unversioned(Notification('instance.pause.end', payload, 'nova-compute:h1'), default_level='DEBUG')
    assert (told.event_type, told.priority, told.publisher_id) == (
        'compute.instance.pause.end',
        'DEBUG',
        'nova-compute:h1',
    )
    assert told.payload['uuid'] == data_of('instance-pause-end')['uuid']
    assert told.payload['flavor']['vcpus'] == 1
    assert told.payload['ip_addresses'][0]['address'] == '192.168.1.3'
    assert 'nova_object' not in json.dumps(told.payload)


def test_errors_keep_their_level():
    told = unversioned(Notification('compute.exception', {}, 'nova-compute:h1', 'ERROR'), default_level='DEBUG')
    assert (told.event_type, told.priority) == ('compute.exception', 'ERROR')


def test_what_is_no_envelope_is_left_as_it_is():
    assert plain({'metadata': {'a': 'b'}, 'tags': ['x']}) == {'metadata': {'a': 'b'}, 'tags': ['x']}


@pytest.mark.parametrize('power', Power)
def test_every_power_has_a_name(power):
    server = dataclasses.replace(a_server(data_of('instance-pause-end')), power=power)
    assert inner(servers.payload(servers.ACTION, server, Context()))['power_state'].isalpha()
