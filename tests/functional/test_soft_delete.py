"""Delete servers for the time being, restore them, and delete them for good when their time is over."""

import dataclasses
import datetime

import pytest

from nova.conductor.reconcilers import reclaimed_servers
from nova.db.stores import flavors, mappings
from nova.domain.flavor import Flavor
from nova.domain.lifecycle import Power
from nova.virt.fake.trouble import FAIL
from tests.functional.client import act, running
from tests.functional.cloud import PLENTY

HOUR = 3600


@pytest.fixture
def cloud(make_cloud):
    return make_cloud(host_names=('h1',), reclaim_interval=HOUR)


def power_of(cloud, server_id):
    return cloud.hosts['h1'].driver.observe(server_id).power


def deleted(api, server_id):
    """The server, deleted for the time being."""
    api.delete(f'/servers/{server_id}')
    shown = api.wait(server_id)
    assert shown['status'] == 'SOFT_DELETED'
    return shown


def reclaim(cloud, later):
    """Let the conductors look for overdue servers as if it were so many seconds later."""
    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=later)

    class Later(type(cloud.means)):
        def now(self):
            return now

    means = Later(**{field.name: getattr(cloud.means, field.name) for field in dataclasses.fields(cloud.means)})
    reclaimed_servers.repair(dataclasses.replace(means, reclaim_interval=HOUR))
    cloud.settle()


def test_a_deleted_server_keeps_all_that_it_has(cloud):
    network = cloud.network.add_network('demo')
    api = cloud.api()
    server_id = running(api, networks=[{'uuid': network.id}])
    shown = deleted(api, server_id)
    assert shown['OS-EXT-STS:vm_state'] == 'soft-delete'
    assert shown['OS-EXT-STS:power_state'] == Power.SHUTDOWN.value
    assert power_of(cloud, server_id) is Power.SHUTDOWN
    left = cloud.left()
    assert (len(left['ports']), left['claims'], left['guests']) == (1, [server_id], {'h1': [server_id]})
    assert 'counted' not in left
    actions = api.get(f'/servers/{server_id}/os-instance-actions', '2.93')['instanceActions']
    assert actions[0]['action'] == 'delete'


def test_deleting_again_changes_nothing(cloud):
    api = cloud.api()
    server_id = running(api)
    deleted(api, server_id)
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id)['status'] == 'SOFT_DELETED'


def test_a_restored_server_runs(cloud):
    api = cloud.api()
    server_id = running(api)
    deleted(api, server_id)
    act(api, server_id, 'restore')
    assert api.wait(server_id)['status'] == 'ACTIVE'
    assert power_of(cloud, server_id) is Power.RUNNING
    assert cloud.left()['counted'] == 1
    code, _message = api.fault('POST', f'/servers/{server_id}/action', {'restore': None})
    assert code == 409
    reclaim(cloud, 2 * HOUR)
    assert api.server(server_id)['status'] == 'ACTIVE'


def test_a_resize_that_its_user_deletes_is_kept_and_holds_nothing_any_more(cloud):
    with cloud.databases.api.writing() as tx:
        flavors.create(tx, Flavor('large', 'm1.large', 2, 256, 2))
    api = cloud.api()
    server_id = running(api)
    act(api, server_id, 'resize', {'flavorRef': 'large'})
    assert api.wait(server_id)['status'] == 'VERIFY_RESIZE'
    deleted(api, server_id)
    act(api, server_id, 'restore')
    assert api.wait(server_id)['status'] == 'ACTIVE'
    (move,) = cloud.api('admin').get('/os-migrations', '2.93')['migrations']
    assert move['status'] == 'confirmed'
    (claim,) = cloud.placement.consumers[server_id].allocations.values()
    assert (list(cloud.placement.consumers), claim['VCPU']) == ([server_id], 2)
    assert cloud.hosts['h1'].driver.set_aside() == []
    with cloud.databases.api.reading() as tx:
        assert mappings.count_usage(tx, 'demo').cores == 2


def test_restoring_needs_quota(make_cloud):
    cloud = make_cloud(host_names=('h1',), reclaim_interval=HOUR, quotas=PLENTY | {'instances': 1})
    api = cloud.api()
    first = running(api)
    deleted(api, first)
    second = running(api)
    code, message = api.fault('POST', f'/servers/{first}/action', {'restore': None})
    assert (code, 'Quota exceeded for instances' in message) == (403, True)
    deleted(api, second)
    act(api, first, 'restore')
    assert api.wait(first)['status'] == 'ACTIVE'


@pytest.mark.every_database
def test_of_two_restorations_at_the_quotas_edge_one_wins(make_cloud):
    cloud = make_cloud(host_names=('h1',), reclaim_interval=HOUR, quotas=PLENTY | {'instances': 2})
    api = cloud.api()
    servers = [deleted(api, running(api))['id'] for _server in range(2)]
    cloud.settings.quotas['instances'] = 1
    service, _life = cloud.conductors[0]
    with cloud.paused(service._runner, 'submit') as gate:
        for server_id in servers:
            act(api, server_id, 'restore')
        gate.wait()
    cloud.settle()
    assert sorted(api.wait(server_id)['status'] for server_id in servers) == ['ACTIVE', 'SOFT_DELETED']
    assert cloud.left()['counted'] == 1


def test_a_restoration_that_fails_leaves_it_deleted_and_not_counted(cloud):
    api = cloud.api()
    server_id = running(api)
    api.post(f'/servers/{server_id}/metadata', {'metadata': {FAIL: 'ensure'}}, status=200)
    deleted(api, server_id)
    act(api, server_id, 'restore')
    assert api.wait(server_id)['status'] == 'SOFT_DELETED'
    assert 'counted' not in cloud.left()


@pytest.mark.parametrize('first', [True, False])
def test_force_delete_is_at_once(cloud, first):
    api = cloud.api()
    server_id = running(api)
    if first:
        deleted(api, server_id)
    act(api, server_id, 'forceDelete')
    assert api.wait(server_id) is None
    assert cloud.left() == {}


def test_it_is_deleted_for_good_when_its_time_is_over_and_not_before(cloud):
    api = cloud.api()
    server_id = running(api)
    deleted(api, server_id)
    reclaim(cloud, HOUR / 2)
    assert api.server(server_id)['status'] == 'SOFT_DELETED'
    reclaim(cloud, HOUR + 60)
    assert api.server(server_id) is None
    assert cloud.left() == {}


def test_a_server_that_never_ran_is_deleted_at_once(cloud):
    api = cloud.api()
    server_id = api.create(flavorRef='huge')
    assert api.wait(server_id)['status'] == 'ERROR'
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None


def test_a_delete_interrupts_what_is_being_done(cloud):
    api = cloud.api()
    server_id = running(api)
    with cloud.paused(cloud.hosts['h1'].driver, 'pause') as gate:
        act(api, server_id, 'pause')
        gate.wait()
        api.delete(f'/servers/{server_id}')
        assert api.server(server_id)['OS-EXT-STS:task_state'] == 'soft-deleting'
        api.delete(f'/servers/{server_id}')
    assert api.wait(server_id)['status'] == 'SOFT_DELETED'


def test_force_delete_interrupts_a_deletion_for_the_time_being(cloud):
    api = cloud.api()
    server_id = running(api)
    with cloud.paused(cloud.hosts['h1'].driver, 'stop') as gate:
        api.delete(f'/servers/{server_id}')
        gate.wait()
        act(api, server_id, 'forceDelete')
    assert api.wait(server_id) is None
    assert cloud.left() == {}


def test_a_guest_that_somebody_starts_meanwhile_is_ended(cloud):
    api = cloud.api()
    server_id = running(api)
    deleted(api, server_id)
    cloud.hosts['h1'].driver.change_by_itself(server_id, Power.RUNNING)
    cloud.until(lambda: power_of(cloud, server_id) is Power.SHUTDOWN)
    assert api.wait(server_id)['status'] == 'SOFT_DELETED'


def test_without_the_option_a_server_is_gone_at_once(make_cloud):
    cloud = make_cloud(host_names=('h1',))
    api = cloud.api()
    server_id = running(api)
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert cloud.left() == {}
