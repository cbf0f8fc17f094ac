"""What the world is told while a cloud is used: once, in order, by whom, and nothing secret."""

import base64
import collections
import json

import pytest

from nova.domain.notifications import Wishes, verbs
from nova.domain.notifications.envelope import VM_AND_TASK_STATE, VM_STATE
from nova.operations.registry import OPERATIONS
from nova.rpc.notifier import Notifier
from nova.virt.fake.trouble import FAIL
from tests.functional.client import running
from tests.functional.cloud import IMAGE_ID, Cloud
from tests.functional.verb_scene import CASES, Scene

SECRETS = ('Pa55-of-the-system', 'the file that is injected', 'the data that is given', 'hidden-token')


class World:
    """Whoever listens. While it is deaf, the bus takes nothing."""

    def __init__(self, **wishes):
        self.heard, self.deaf = [], False
        self.notifier = Notifier(self._hear, Wishes(**wishes), 'controller')

    def _hear(self, notification):
        if self.deaf:
            raise ConnectionError('The bus is away.')
        # As on a bus: plain data, and nothing else.
        self.heard.append((notification, json.dumps(notification.payload)))

    def listens(self, whether):
        self.notifier._deliver = self._hear if whether else None

    def events(self, server_id=None):
        """The event types heard, of one server or of all."""
        assert self.notifier.flush(60)
        return [told.event_type for told, text in self.heard if server_id is None or server_id in text]

    def of(self, event_type):
        """The payload's data of the last such notification."""
        assert self.notifier.flush(60)
        return [told for told, _text in self.heard if told.event_type == event_type][-1].payload['nova_object.data']

    def forget(self):
        assert self.notifier.flush(60)
        self.heard.clear()


@pytest.fixture
def world():
    return World()


@pytest.fixture
def cloud(make_cloud, world):
    made = make_cloud(host_names=('h1',), notifier=world.notifier)
    world.forget()
    return made


def act(cloud, server_id, name, arguments=None):
    api = cloud.api()
    api.post(f'/servers/{server_id}/action', {name: arguments}, '2.93')
    shown = api.wait(server_id)
    cloud.settle()
    return shown


def heard(cloud, world, event_type):
    cloud.until(lambda: event_type in world.events())


def test_a_server_that_comes_and_goes(cloud, world):
    cloud.network.add_network('demo')
    api = cloud.api()
    server_id = running(api, networks='auto')
    heard(cloud, world, 'instance.create.end')
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    heard(cloud, world, 'instance.delete.end')
    assert world.events(server_id) == [
        'instance.create.start',
        'instance.create.end',
        'instance.delete.start',
        'instance.shutdown.start',
        'instance.shutdown.end',
        'instance.delete.end',
    ]
    made, gone = world.of('instance.create.end'), world.of('instance.delete.end')
    assert (made['state'], made['power_state'], made['host']) == ('active', 'running', 'h1')
    assert made['instance_name'] == 'instance-00000001'
    assert (made['action_initiator_user'], made['tenant_id']) == ('alice', 'demo')
    assert made['request_id'].startswith('req-')
    assert (gone['state'], gone['task_state']) == ('deleted', None)
    assert gone['deleted_at'] == gone['terminated_at'] is not None
    assert len(made['ip_addresses']) == 1
    assert gone['ip_addresses'] == [], 'they belong to others now'
    publishers = [told.publisher_id for told, _text in world.heard]
    assert publishers == ['nova-conductor:controller'] + ['nova-compute:h1'] * 5


def told_of(verb):
    """What the table says is told of a verb that ends well, in order."""
    line, operation = verbs.of(verb), OPERATIONS[verb]
    events = [event.name for event in line.starts]
    for step in operation.steps:
        events += [event.name for event in line.shows.get(step.shows, ())]
        if step.name in line.steps:
            events += [f'instance.{line.steps[step.name]}.{phase}' for phase in ('start', 'end')]
    return events + [event.name for event in line.ends]


def test_each_verb_is_told_of_once_from_its_beginning_to_its_end(urls, tmp_path, world):
    scene = Scene(Cloud(urls, tmp_path, host_names=('h1',), reclaim_interval=3600, notifier=world.notifier))
    try:
        found = {verb: heard_of(scene, world, verb) for verb in OPERATIONS.keys() & CASES.keys()}
    finally:
        scene.stop()
    assert found == {verb: told_of(verb) for verb in found}


def heard_of(scene, world, verb):
    server_id = scene.prepared(verb)
    at_rest(scene.cloud)
    world.forget()
    scene.begin(verb, server_id).result()
    scene.cloud.until(lambda: world.events() or not told_of(verb))
    at_rest(scene.cloud)
    return [event for event in world.events() if not event.startswith('server_group')]


def at_rest(cloud):
    """Wait until operations have ended, and that is told."""
    cloud.settle()
    cloud.until(lambda: not any(service._runner.queued for service, _life in cloud.conductors))


def test_a_server_that_leaves_its_host_is_told_of_by_that_host(cloud, world):
    server_id = running(cloud.api())
    act(cloud, server_id, 'shelve')
    heard(cloud, world, 'instance.shelve_offload.end')
    told = [told for told, _text in world.heard if told.event_type == 'instance.shelve_offload.end']
    assert [each.publisher_id for each in told] == ['nova-compute:h1']
    left = world.of('instance.shelve_offload.end')
    assert (left['host'], left['node']) == (None, None)


def test_each_part_of_a_resize_shows_what_the_server_does(urls, tmp_path, world):
    scene = Scene(Cloud(urls, tmp_path, host_names=('h1',), notifier=world.notifier))
    try:
        heard_of(scene, world, 'resize')
    finally:
        scene.stop()
    parts = ('resize_prep.start', 'resize_prep.end', 'resize.start', 'resize.end', 'resize_finish.start')
    shown = [world.of(f'instance.{part}')['task_state'] for part in parts]
    assert shown == ['resize_prep', 'resize_prep', 'resize_migrating', 'resize_migrated', 'resize_finish']


def test_a_verb_that_fails_without_an_event_for_that_is_an_exception(cloud, world):
    server_id = running(cloud.api(), metadata={FAIL: 'pause'})
    heard(cloud, world, 'instance.create.end')
    world.forget()
    act(cloud, server_id, 'pause')
    heard(cloud, world, 'compute.exception')
    assert world.events() == ['instance.pause.start', 'compute.exception']
    failure = world.of('compute.exception')
    assert (failure['exception'], failure['function_name']) == ('HostFailed', 'pause_guest')
    assert failure['traceback'] == ''


def test_a_server_that_no_host_takes(cloud, world):
    api = cloud.api()
    server_id = api.create(flavorRef='huge')
    assert api.wait(server_id)['status'] == 'ERROR'
    heard(cloud, world, 'compute_task.build_instances.error')
    assert world.events(server_id) == [
        'instance.create.start',
        'instance.create.error',
        'compute_task.build_instances.error',
    ]
    fault = world.of('instance.create.error')['fault']['nova_object.data']
    assert fault['exception'] == 'NoValidHost'
    assert fault['exception_message'] == 'No valid host was found.'
    task = world.of('compute_task.build_instances.error')
    assert task['reason']['nova_object.data']['exception'] == 'NoValidHost'
    assert task['request_spec']['nova_object.data']['flavor']['nova_object.data']['vcpus'] == 100_000
    assert {told.priority for told, _text in world.heard} == {'INFO', 'ERROR'}


def test_a_server_that_is_deleted_while_it_is_made_is_told_of_as_deleted(cloud, world):
    api = cloud.api()
    with cloud.paused(cloud.hosts['h1'].driver, 'ensure') as gate:
        server_id = api.create()
        gate.wait()
        api.delete(f'/servers/{server_id}')
        gate.open()
    assert api.wait(server_id) is None
    heard(cloud, world, 'instance.delete.end')
    assert world.events(server_id) == ['instance.create.start', 'instance.delete.start', 'instance.delete.end']


def test_the_end_is_told_though_the_conductor_dies(cloud, world):
    """What a conductor did not come to tell, another one tells; what it may have told is told again."""
    server_id = running(cloud.api())
    heard(cloud, world, 'instance.create.end')
    runner = cloud.conductors[0][0]._runner
    with cloud.paused(runner._announcer, 'teller') as gate:
        cloud.api().post(f'/servers/{server_id}/action', {'pause': None}, '2.93')
        gate.wait()
        cloud.kill_conductor()
        gate.turn_away()
    cloud.start_conductor()
    heard(cloud, world, 'instance.pause.end')
    told = collections.Counter(world.events(server_id))
    assert (told['instance.pause.start'], told['instance.pause.end']) == (1, 1)


def test_what_ended_untold_is_told_later(cloud, world):
    server_id = running(cloud.api())
    heard(cloud, world, 'instance.create.end')
    # A conductor that has ended an operation, and dies before it tells.
    runner = cloud.conductors[0][0]._runner
    original = runner._announcer._notifier
    runner._announcer._notifier = Notifier(lambda told: None, world.notifier.wishes)
    runner._announcer.settle = lambda cell_id, database: None
    runner._announcer.stop = lambda databases: None
    act(cloud, server_id, 'pause')
    assert 'instance.pause.end' not in world.events(server_id)
    runner._announcer._notifier = original
    cloud.kill_conductor()
    cloud.start_conductor()
    heard(cloud, world, 'instance.pause.end')
    assert world.of('instance.pause.end')['state'] == 'paused'


def test_what_was_told_is_not_told_again(cloud, world):
    server_id = running(cloud.api())
    act(cloud, server_id, 'pause')
    heard(cloud, world, 'instance.pause.end')
    cloud.until(lambda: not leases(cloud))
    before = world.events()
    cloud.kill_conductor()
    cloud.start_conductor()
    act(cloud, server_id, 'unpause')
    cloud.until(lambda: not leases(cloud))
    assert world.events() == [*before, 'instance.unpause.start', 'instance.unpause.end']


def leases(cloud):
    """How many ended operations are still to be told."""
    total = 0
    for database in cloud.all_databases():
        with database.reading() as tx:
            total += tx.exec_driver_sql('SELECT count(*) FROM operations WHERE lease_until IS NOT NULL').scalar()
    return total


def test_a_bus_that_is_away_stops_nothing_and_ends_are_told_when_it_is_back(cloud, world):
    world.deaf = True
    api = cloud.api()
    server_id = running(api)
    api.put(f'/servers/{server_id}', {'server': {'name': 'other'}})
    cloud.until(lambda: world.notifier.dropped >= 3)
    assert world.heard == []
    world.deaf = False
    heard(cloud, world, 'instance.create.end')


def test_changes_of_state_are_told_on_request(make_cloud):
    world = World(on_state_change=VM_AND_TASK_STATE)
    cloud = make_cloud(host_names=('h1',), notifier=world.notifier)
    server_id = running(cloud.api())
    cloud.until(lambda: world.events().count('instance.update') >= 3)
    act(cloud, server_id, 'os-stop')
    heard(cloud, world, 'instance.power_off.end')
    cloud.until(lambda: world.events(server_id)[-1] == 'instance.update')
    change = world.of('instance.update')['state_update']['nova_object.data']
    assert change == {
        'old_state': 'active',
        'state': 'stopped',
        'old_task_state': 'powering-off',
        'new_task_state': None,
    }


def test_only_changes_of_the_state_are_told_on_request(make_cloud):
    world = World(on_state_change=VM_STATE)
    cloud = make_cloud(host_names=('h1',), notifier=world.notifier)
    server_id = running(cloud.api())
    act(cloud, server_id, 'reboot', {'type': 'HARD'})
    heard(cloud, world, 'instance.reboot.end')
    assert world.events(server_id) == [
        'instance.create.start',
        'instance.create.end',
        'instance.update',
        'instance.reboot.start',
        'instance.reboot.end',
    ]


def test_nothing_secret_is_told(cloud, world):
    def coded(text):
        return base64.b64encode(text.encode()).decode()

    api = cloud.api()
    server_id = api.create(
        '2.50',
        adminPass=SECRETS[0],
        personality=[{'path': '/secret', 'contents': coded(SECRETS[1])}],
        user_data=coded(SECRETS[2]),
    )
    api.wait(server_id)
    failed = api.create('2.50', flavorRef='huge', adminPass=SECRETS[0], user_data=coded(SECRETS[2]))
    api.wait(failed)
    act(cloud, server_id, 'changePassword', {'adminPass': SECRETS[0]})
    api.post('/os-keypairs', {'keypair': {'name': 'mine'}}, status=200)
    heard(cloud, world, 'compute_task.build_instances.error')
    heard(cloud, world, 'keypair.create.end')
    text = '\n'.join(text for _told, text in world.heard)
    for secret in (*SECRETS, *map(coded, SECRETS)):
        assert secret not in text
    assert 'PRIVATE KEY' not in text


# What the API does at once


def test_flavors(cloud, world):
    api = cloud.api('admin')
    wanted = {'name': 'f', 'id': 'f', 'ram': 512, 'vcpus': 1, 'disk': 1, 'os-flavor-access:is_public': False}
    api.post('/flavors', {'flavor': wanted}, status=200)
    api.post('/flavors/f/os-extra_specs', {'extra_specs': {'a': 'b'}}, status=200)
    api.post('/flavors/f/action', {'addTenantAccess': {'tenant': 'demo'}}, status=200)
    api.put('/flavors/f', {'flavor': {'description': 'd'}}, '2.55')
    assert world.of('flavor.update')['projects'] == ['demo']
    assert world.of('flavor.update')['extra_specs'] == {'a': 'b'}
    assert world.of('flavor.update')['description'] == 'd'
    api.delete('/flavors/f/os-extra_specs/a', status=200)
    api.post('/flavors/f/action', {'removeTenantAccess': {'tenant': 'demo'}}, status=200)
    api.delete('/flavors/f', status=202)
    assert world.events() == ['flavor.create', *['flavor.update'] * 5, 'flavor.delete']


def test_key_pairs(cloud, world):
    api = cloud.api()
    made = api.post('/os-keypairs', {'keypair': {'name': 'a'}}, status=200)['keypair']
    api.post('/os-keypairs', {'keypair': {'name': 'b', 'public_key': made['public_key']}}, status=200)
    api.delete('/os-keypairs/a', status=202)
    assert world.events() == [
        f'keypair.{what}.{phase}' for what in ('create', 'import', 'delete') for phase in ('start', 'end')
    ]
    assert world.of('keypair.create.start')['fingerprint'] is None
    assert world.of('keypair.delete.end')['fingerprint'] == made['fingerprint']


def test_aggregates(cloud, world):
    api = cloud.api('admin')
    number = api.post('/os-aggregates', {'aggregate': {'name': 'a', 'availability_zone': 'z'}}, status=200)[
        'aggregate'
    ]['id']
    api.put(f'/os-aggregates/{number}', {'aggregate': {'name': 'b'}})
    for action in (
        {'set_metadata': {'metadata': {'ssd': 'true'}}},
        {'add_host': {'host': 'h1'}},
        {'remove_host': {'host': 'h1'}},
    ):
        api.post(f'/os-aggregates/{number}/action', action, status=200)
    api.delete(f'/os-aggregates/{number}', status=200)
    verbs = ('create', 'update_prop', 'update_metadata', 'add_host', 'remove_host', 'delete')
    assert world.events() == [f'aggregate.{what}.{phase}' for what in verbs for phase in ('start', 'end')]
    assert world.of('aggregate.create.start')['uuid'] == world.of('aggregate.delete.end')['uuid']
    assert world.of('aggregate.update_prop.start')['name'] == 'b'
    assert world.of('aggregate.add_host.start')['hosts'] == []
    assert world.of('aggregate.add_host.end')['hosts'] == ['h1']
    assert world.of('aggregate.update_metadata.end')['metadata'] == {'availability_zone': 'z', 'ssd': 'true'}


def test_images_that_hosts_fetch_ahead_of_time(cloud, world):
    api = cloud.api('admin')
    number = api.post('/os-aggregates', {'aggregate': {'name': 'a'}}, status=200)['aggregate']['id']
    api.post(f'/os-aggregates/{number}/action', {'add_host': {'host': 'h1'}}, status=200)
    world.forget()
    api.post(f'/os-aggregates/{number}/images', {'cache': [{'id': IMAGE_ID}]}, '2.81')
    heard(cloud, world, 'aggregate.cache_images.end')
    assert world.events() == [f'aggregate.cache_images.{phase}' for phase in ('start', 'progress', 'end')]
    progress = world.of('aggregate.cache_images.progress')
    assert (progress['host'], progress['index'], progress['total']) == ('h1', 1, 1)
    # It holds nothing that a host would accept.
    assert (progress['images_cached'], progress['images_failed']) == ([], [IMAGE_ID])


def test_a_new_host(cloud, world):
    cloud.add_host('h2')
    assert world.events()[-1] == 'service.create'
    assert world.of('service.create')['host'] == 'h2'
    cloud.restart_host('h2')
    assert world.events() == ['service.create']


def test_server_groups(cloud, world):
    api = cloud.api()
    wanted = {'name': 'g', 'policy': 'anti-affinity', 'rules': {'max_server_per_host': 2}}
    group = api.post('/os-server-groups', {'server_group': wanted}, '2.64', status=200)['server_group']['id']
    server_id = running(api, hints={'group': group})
    api.delete(f'/os-server-groups/{group}')
    told = [event for event in world.events() if event.startswith('server_group')]
    assert told == ['server_group.create', 'server_group.add_member', 'server_group.delete']
    assert world.of('server_group.add_member')['members'] == [server_id]
    assert world.of('server_group.create')['rules'] == {'max_server_per_host': '2'}


def test_services(cloud, world):
    api = cloud.api('admin')
    (service,) = api.get('/os-services?binary=nova-compute', '2.53')['services']
    api.put(f'/os-services/{service["id"]}', {'status': 'disabled', 'disabled_reason': 'r'}, '2.53')
    assert world.of('service.update')['disabled_reason'] == 'r'
    assert world.of('service.update')['uuid'] == service['id']
    api.delete(f'/os-services/{service["id"]}', '2.53')
    assert world.events()[-2:] == ['service.update', 'service.delete']


def test_small_changes_of_a_server(cloud, world):
    api = cloud.api()
    server_id = running(api)
    heard(cloud, world, 'instance.create.end')
    world.forget()
    api.put(f'/servers/{server_id}', {'server': {'name': 'other'}})
    assert world.of('instance.update')['old_display_name'] == 'web'
    api.post(f'/servers/{server_id}/metadata', {'metadata': {'a': 'b'}}, status=200)
    assert world.of('instance.update')['metadata'] == {'a': 'b'}
    api.put(f'/servers/{server_id}/tags/one', None, '2.26', status=201)
    assert world.of('instance.update')['tags'] == ['one']
    api.post(f'/servers/{server_id}/action', {'lock': {'locked_reason': 'why'}}, '2.73')
    assert (world.of('instance.lock')['locked'], world.of('instance.lock')['locked_reason']) == (True, 'why')
    api.post(f'/servers/{server_id}/action', {'unlock': None}, '2.73')
    assert world.events() == [*['instance.update'] * 3, 'instance.lock', 'instance.unlock']


def test_volumes_are_listed_on_request_only(make_cloud):
    world = World(with_disks=True)
    cloud = make_cloud(host_names=('h1',), notifier=world.notifier)
    running(cloud.api(), imageRef=IMAGE_ID)
    heard(cloud, world, 'instance.create.end')
    # Its disk is no volume.
    assert world.of('instance.create.end')['block_devices'] == []


# What it costs


def test_while_nobody_listens_nothing_is_read_and_else_once_for_each_thing_told(make_cloud, world):
    cloud = make_cloud(host_names=('h1',), quiet=True, notifier=world.notifier)
    api = cloud.api()
    cost_of_one(cloud, api)
    with_world = cost_of_one(cloud, api)
    world.listens(False)
    world.forget()
    statements, messages, calls = cost_of_one(cloud, api)
    assert world.events() == []
    # The server as it is in the end: its row, and its metadata and tags.
    assert with_world == (statements + 2, messages, calls)


def cost_of_one(cloud, api):
    before = cloud.cost()
    api.create()
    at_rest(cloud)
    return tuple(after - known for after, known in zip(cloud.cost(), before, strict=True))
