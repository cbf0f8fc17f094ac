"""Resize servers, keep the new size or go back, and have all of it end well whatever comes between."""

import dataclasses
import datetime

import pytest
import sqlalchemy as sa

from nova import errors
from nova.conductor.reconcilers import unconfirmed_resizes
from nova.db.stores import flavors
from nova.db.tables.migrations import migrations
from nova.domain.flavor import Flavor
from nova.domain.lifecycle import Power
from tests.fakes.world import failing
from tests.functional.client import act, last_action

SMALL = Flavor('small', 'm1.small', 1, 128, 1)
LARGE = Flavor('large', 'm1.large', 4, 512, 3, ephemeral_gb=2, swap_mb=1024)
FLAVORS = (
    LARGE,
    Flavor('wide', 'm1.wide', 2, 256, 1),
    Flavor('roomy', 'm1.roomy', 1, 256, 350_000),
    Flavor('shrunk', 'm1.shrunk', 1, 64, 1),
    Flavor('idle', 'm1.idle', 2, 256, 1, disabled=True),
)
SIZE_OF_SMALL = {'VCPU': 1, 'MEMORY_MB': 128, 'DISK_GB': 1}
SIZE_OF_LARGE = {'VCPU': 4, 'MEMORY_MB': 512, 'DISK_GB': 6}


@pytest.fixture
def cloud(make_cloud):
    made = make_cloud(host_names=('h1',))
    with made.databases.api.writing() as tx:
        for flavor in FLAVORS:
            flavors.create(tx, flavor)
    return made


@pytest.fixture
def api(cloud):
    return cloud.api()


@pytest.fixture
def server_id(api, driver):
    made = api.create()
    assert api.wait(made)['status'] == 'ACTIVE'
    driver.write_disk(made, 'written before')
    return made


def resize(api, server_id, flavor='large', ends='VERIFY_RESIZE', **arguments):
    act(api, server_id, 'resize', {'flavorRef': flavor, **arguments})
    shown = api.wait(server_id)
    assert shown['status'] == ends
    return shown


def confirm(api, server_id):
    act(api, server_id, 'confirmResize', status=204)
    return api.wait(server_id)


def revert(api, server_id):
    act(api, server_id, 'revertResize')
    return api.wait(server_id)


def migration(cloud, server_id):
    """The newest, as administrators see it."""
    return cloud.api('admin').get(f'/os-migrations?instance_uuid={server_id}', '2.93')['migrations'][0]


def claimed(cloud, server_id):
    """What the server has claimed, and what others have: the migrations."""
    found = {
        consumer_id: next(iter(consumer.allocations.values()))
        for consumer_id, consumer in cloud.placement.consumers.items()
    }
    own = found.pop(server_id, None)
    return own, list(found.values())


def held(cloud):
    """Processors, MB of memory and GB of disk that the host's servers take."""
    host = cloud.service_of('h1')
    return host.claimed_vcpus, host.claimed_memory_mb, host.claimed_disk_gb


def counted(api):
    limits = api.get('/limits', '2.93')['limits']['absolute']
    return limits['totalCoresUsed'], limits['totalRAMUsed']


def is_gone(cloud, api, server_id):
    assert api.wait(server_id) is None
    assert cloud.left() == {}
    assert cloud.hosts['h1'].driver.set_aside() == []


@pytest.mark.every_database
def test_a_resized_server_has_both_sizes_until_it_is_confirmed(cloud, api, driver, server_id):
    shown = resize(api, server_id)
    assert shown['flavor']['original_name'] == 'm1.large'
    assert (shown['flavor']['disk'], shown['flavor']['ephemeral'], shown['flavor']['swap']) == (3, 2, 1024)
    assert (shown['OS-EXT-STS:vm_state'], shown['OS-EXT-STS:power_state']) == ('resized', 1)
    assert claimed(cloud, server_id) == (SIZE_OF_LARGE, [SIZE_OF_SMALL])
    assert held(cloud) == (5, 640, 7)
    assert counted(api) == (4, 512)
    assert (driver.disk_sizes(server_id), driver.set_aside()) == ([3, 2, 1024], [server_id])
    assert driver.read_disk(server_id) == 'written before'
    moved = migration(cloud, server_id)
    assert (moved['status'], moved['migration_type'], moved['source_compute'], moved['dest_compute']) == (
        'finished', 'resize', 'h1', 'h1',
    )  # fmt: skip
    assert last_action(api, server_id) == ('resize', None)

    assert confirm(api, server_id)['status'] == 'ACTIVE'
    assert claimed(cloud, server_id) == (SIZE_OF_LARGE, [])
    assert held(cloud) == (4, 512, 6)
    assert counted(api) == (4, 512)
    assert (driver.disk_sizes(server_id), driver.set_aside()) == ([3, 2, 1024], [])
    assert migration(cloud, server_id)['status'] == 'confirmed'
    assert last_action(api, server_id) == ('confirmResize', None)
    api.delete(f'/servers/{server_id}')
    is_gone(cloud, api, server_id)


@pytest.mark.every_database
def test_a_reverted_server_is_as_it_was(cloud, api, driver, server_id):
    resize(api, server_id, **{'OS-DCF:diskConfig': 'AUTO'})
    driver.write_disk(server_id, 'written since')
    shown = revert(api, server_id)
    assert (shown['status'], shown['flavor']['original_name']) == ('ACTIVE', 'm1.small')
    assert (shown['OS-EXT-STS:power_state'], shown['OS-DCF:diskConfig']) == (1, 'MANUAL')
    assert claimed(cloud, server_id) == (SIZE_OF_SMALL, [])
    assert (held(cloud), counted(api)) == ((1, 128, 1), (1, 128))
    assert (driver.read_disk(server_id), driver.set_aside()) == ('written before', [])
    assert migration(cloud, server_id)['status'] == 'reverted'
    assert last_action(api, server_id) == ('revertResize', None)
    # And all can be done again.
    resize(api, server_id)
    confirm(api, server_id)
    api.delete(f'/servers/{server_id}')
    is_gone(cloud, api, server_id)


@pytest.mark.parametrize('decide', [confirm, revert])
def test_a_server_that_was_off_stays_off(cloud, api, driver, server_id, decide):
    act(api, server_id, 'os-stop')
    api.wait(server_id)
    assert resize(api, server_id)['OS-EXT-STS:power_state'] == Power.SHUTDOWN.value
    assert decide(api, server_id)['status'] == 'SHUTOFF'
    assert driver.observe(server_id).power is Power.SHUTDOWN
    act(api, server_id, 'os-start')
    assert api.wait(server_id)['status'] == 'ACTIVE'


def test_the_larger_size_is_counted_until_the_user_has_decided(api, server_id):
    resize(api, server_id, 'wide')
    confirm(api, server_id)
    resize(api, server_id, 'shrunk')
    assert counted(api) == (2, 256)
    confirm(api, server_id)
    assert counted(api) == (1, 64)


def test_both_sizes_need_room_on_the_host(cloud, api, driver, server_id):
    resize(api, server_id, 'roomy')
    confirm(api, server_id)
    with cloud.databases.api.writing() as tx:
        flavors.create(tx, Flavor('roomier', 'm1.roomier', 1, 256, 350_001))
    assert resize(api, server_id, 'roomier', ends='ACTIVE')['flavor']['original_name'] == 'm1.roomy'
    assert last_action(api, server_id) == ('resize', 'Error')
    assert migration(cloud, server_id)['status'] == 'error'
    assert claimed(cloud, server_id) == ({'VCPU': 1, 'MEMORY_MB': 256, 'DISK_GB': 350_000}, [])
    assert (held(cloud), counted(api)) == ((1, 256, 350_000), (1, 256))
    assert driver.observe(server_id).power is Power.RUNNING


@pytest.mark.parametrize('method', ['stop', 'resize_disks', 'ensure'])
@pytest.mark.parametrize('before', [True, False], ids=['before its work', 'after its work'])
def test_a_resize_that_fails_leaves_the_server_as_it_was(cloud, api, driver, server_id, method, before):
    failed = []
    original = getattr(driver, method)

    def once(*arguments, **options):
        if failed:
            return original(*arguments, **options)
        failed.append(method)
        if not before:
            original(*arguments, **options)
        raise errors.HostFailed('no luck')

    setattr(driver, method, once)
    shown = resize(api, server_id, ends='ACTIVE')
    assert shown['flavor']['original_name'] == 'm1.small'
    assert last_action(api, server_id) == ('resize', 'Error')
    assert (driver.observe(server_id).power, driver.read_disk(server_id)) == (Power.RUNNING, 'written before')
    assert (driver.set_aside(), claimed(cloud, server_id)) == ([], (SIZE_OF_SMALL, []))
    assert (held(cloud), counted(api), migration(cloud, server_id)['status']) == ((1, 128, 1), (1, 128), 'error')


def test_a_confirmation_that_fails_can_be_made_again_and_not_be_reverted(cloud, api, driver, server_id):
    resize(api, server_id)
    with failing(driver, 'forget_old_disks', errors.HostFailed('no luck')):
        assert confirm(api, server_id)['status'] == 'VERIFY_RESIZE'
    assert last_action(api, server_id) == ('confirmResize', 'Error')
    code, message = api.fault('POST', f'/servers/{server_id}/action', {'revertResize': None})
    assert (code, message) == (409, f'Instance {server_id} has a migration that is confirming; only that can go on.')
    assert confirm(api, server_id)['status'] == 'ACTIVE'
    assert (driver.set_aside(), claimed(cloud, server_id)) == ([], (SIZE_OF_LARGE, []))


@pytest.mark.parametrize('method', ['stop', 'restore_disks', 'ensure'])
def test_a_reversion_that_fails_can_be_made_again_and_not_be_confirmed(cloud, api, driver, server_id, method):
    resize(api, server_id)
    with failing(driver, method, errors.HostFailed('no luck'), before=False):
        assert revert(api, server_id)['status'] == 'VERIFY_RESIZE'
    assert api.fault('POST', f'/servers/{server_id}/action', {'confirmResize': None})[0] == 409
    shown = revert(api, server_id)
    assert (shown['status'], shown['flavor']['original_name']) == ('ACTIVE', 'm1.small')
    assert (driver.read_disk(server_id), driver.set_aside()) == ('written before', [])
    assert claimed(cloud, server_id) == (SIZE_OF_SMALL, [])


def test_a_resized_server_can_be_deleted(cloud, api, server_id):
    resize(api, server_id)
    api.delete(f'/servers/{server_id}')
    is_gone(cloud, api, server_id)
    assert migration(cloud, server_id)['status'] == 'confirmed'


@pytest.mark.parametrize(
    ('before', 'method'),
    [
        ((), 'stop'),
        ((), 'resize_disks'),
        ((), 'ensure'),
        (('resize',), 'forget_old_disks'),
        (('resize',), 'restore_disks'),
    ],
)
def test_a_delete_wins_over_it(cloud, api, driver, server_id, before, method):
    if before:
        resize(api, server_id)
    call, arguments, status = {
        'forget_old_disks': ('confirmResize', None, 204),
        'restore_disks': ('revertResize', None, 202),
    }.get(method, ('resize', {'flavorRef': 'large'}, 202))
    with cloud.paused(driver, method) as gate:
        act(api, server_id, call, arguments, status)
        gate.wait()
        assert api.server(server_id)['status'] in ('RESIZE', 'REVERT_RESIZE', 'VERIFY_RESIZE')
        api.delete(f'/servers/{server_id}')
    is_gone(cloud, api, server_id)
    assert migration(cloud, server_id)['status'] in ('error', 'confirmed', 'reverted')


def test_a_daemon_that_starts_anew_knows_what_was_set_aside(cloud, api, server_id):
    resize(api, server_id)
    cloud.restart_host('h1')
    assert cloud.hosts['h1'].service._guests.unexpected == 0
    assert revert(api, server_id)['status'] == 'ACTIVE'
    assert cloud.hosts['h1'].driver.read_disk(server_id) == 'written before'


def test_a_guest_that_switches_itself_off_meanwhile_is_off_afterwards(cloud, api, driver, server_id):
    resize(api, server_id)
    driver.change_by_itself(server_id, Power.SHUTDOWN)
    cloud.until(lambda: api.server(server_id)['OS-EXT-STS:power_state'] == Power.SHUTDOWN.value)
    assert api.server(server_id)['status'] == 'VERIFY_RESIZE'
    assert confirm(api, server_id)['status'] == 'SHUTOFF'


def test_a_resized_server_waits_for_a_decision_and_for_nothing_else(api, server_id):
    resize(api, server_id)
    for verb in ({'reboot': {'type': 'HARD'}}, {'os-stop': None}, {'resize': {'flavorRef': 'wide'}}):
        code, message = api.fault('POST', f'/servers/{server_id}/action', verb)
        assert (code, message.endswith('while it is in vm_state resized')) == (409, True)


def age(cloud, seconds):
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
    with cloud.databases.own.writing() as tx:
        tx.execute(sa.update(migrations).values(updated_at=then))


@pytest.mark.every_database
@pytest.mark.parametrize(
    ('window', 'waited', 'status'),
    [(0, 1000, 'VERIFY_RESIZE'), (100, 50, 'VERIFY_RESIZE'), (100, 150, 'ACTIVE')],
)
def test_what_waits_too_long_is_confirmed(cloud, api, server_id, window, waited, status):
    resize(api, server_id)
    age(cloud, waited)
    unconfirmed_resizes.repair(dataclasses.replace(cloud.means, resize_confirm_window=window))
    cloud.settle()
    assert api.server(server_id)['status'] == status


def reset(cloud, server_id):
    cloud.api('admin').post(f'/servers/{server_id}/action', {'os-resetState': {'state': 'active'}}, '2.93')


def test_a_server_that_was_reset_keeps_what_it_has_when_it_is_resized_again(cloud, api, driver, server_id):
    resize(api, server_id, 'wide')
    driver.write_disk(server_id, 'written since')
    reset(cloud, server_id)
    resize(api, server_id)
    assert claimed(cloud, server_id) == (SIZE_OF_LARGE, [{'VCPU': 2, 'MEMORY_MB': 256, 'DISK_GB': 1}])
    assert revert(api, server_id)['flavor']['original_name'] == 'm1.wide'
    assert driver.read_disk(server_id) == 'written since'


def test_a_server_that_was_reset_leaves_nothing_for_long(cloud, api, server_id):
    resize(api, server_id)
    reset(cloud, server_id)
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    unconfirmed_resizes.repair(cloud.means)
    is_gone(cloud, api, server_id)
    assert migration(cloud, server_id)['status'] == 'confirmed'


@pytest.mark.parametrize(
    ('flavor', 'message'),
    [
        ('small', 'When resizing, instances must change flavor!'),
        ('idle', 'Flavor idle could not be found.'),
        ('nothing', 'Flavor nothing could not be found.'),
    ],
)
def test_a_flavor_that_cannot_be_is_refused_at_once(api, server_id, flavor, message):
    answer = api.fault('POST', f'/servers/{server_id}/action', {'resize': {'flavorRef': flavor}})
    assert answer == (400, message)


def test_disks_do_not_shrink(api, server_id):
    resize(api, server_id)
    confirm(api, server_id)
    code, message = api.fault('POST', f'/servers/{server_id}/action', {'resize': {'flavorRef': 'small'}})
    assert (code, 'would shrink the root disk from 3 GB to 1 GB' in message) == (400, True)


def test_growth_beyond_the_quota_is_refused(make_cloud):
    cloud = make_cloud(host_names=('h1',), quotas={'instances': 10, 'cores': 4, 'ram': -1, 'metadata_items': 1})
    with cloud.databases.api.writing() as tx:
        flavors.create(tx, LARGE)
        flavors.create(tx, Flavor('wide', 'm1.wide', 2, 256, 1))
    api = cloud.api()
    first, second = api.create(), api.create()
    for server_id in (first, second):
        api.wait(server_id)
    resize(api, first, 'wide')
    code, message = api.fault('POST', f'/servers/{second}/action', {'resize': {'flavorRef': 'large'}})
    assert (code, message) == (403, 'Quota exceeded for cores: Requested 3, but already used 3 of 4 cores')
    revert(api, first)
    resize(api, second, 'wide')
