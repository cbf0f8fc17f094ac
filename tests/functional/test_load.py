"""Many requests at once: all are served, nothing is left over, no quota is exceeded; and what each of them costs."""

import concurrent.futures
import threading

import pytest

from tests.functional.client import body_of
from tests.functional.cloud import PLENTY

MANY = 30


@pytest.mark.every_database
def test_many_come_and_go_at_once(cloud):
    cloud.network.add_network('demo', cidr='10.0.0.0/22')
    api = cloud.api()

    def live(number):
        server_id = api.create(name=f's{number}', networks='auto')
        # A third goes before it is made, a third at once, a third last.
        if number % 3:
            assert api.wait(server_id)['status'] == 'ACTIVE'
        if number % 3 < 2:
            api.delete(f'/servers/{server_id}')
            assert api.wait(server_id) is None
        return server_id

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        ids = list(pool.map(live, range(MANY)))
    kept = sorted(ids[2::3])
    assert cloud.left()['claims'] == kept
    for server_id in kept:
        api.delete(f'/servers/{server_id}')
    assert cloud.left() == {}
    for host in cloud.hosts:
        provider_id = cloud.node_id(host)
        assert [cloud.placement.used(provider_id, name) for name in ('VCPU', 'MEMORY_MB', 'DISK_GB')] == [0, 0, 0]


@pytest.mark.every_database
def test_processes_share_a_quota(make_cloud):
    """As many servers are made as the project may have: not one more, not one less."""
    cloud = make_cloud(quotas=PLENTY | {'instances': 5, 'cores': 20})
    processes = [cloud.api(of=cloud.new_app()) for _number in range(4)]
    together = threading.Barrier(len(processes))

    def ask(process):
        answers = []
        for _number in range(4):
            together.wait(60)
            answers.append(process.ask('POST', '/servers', body_of(), '2.37').status_int)
        return answers

    with concurrent.futures.ThreadPoolExecutor(len(processes)) as pool:
        statuses = [status for answers in pool.map(ask, processes) for status in answers]
    assert (statuses.count(202), statuses.count(403)) == (5, 11)
    assert cloud.left()['counted'] == 5


def test_a_server_on_its_way_to_a_cell_is_counted_once(make_cloud):
    cloud = make_cloud(quotas=PLENTY | {'instances': 3}, host_names=('h1',))
    api = cloud.api()
    with cloud.paused(cloud.hosts['h1'].driver, 'ensure') as gate:
        api.create()
        gate.wait()
        api.create(min_count=2)
        assert api.fault('POST', '/servers', body_of(), '2.37')[0] == 403
    cloud.settle()
    assert cloud.left()['counted'] == 3


# What one server may cost, made and deleted, by what it is counted in.
STATEMENTS, MESSAGES, HTTP_CALLS = 60, 10, 6


@pytest.mark.every_database
def test_what_a_server_costs(make_cloud):
    cloud = make_cloud(quiet=True, host_names=('h1',), quotas=PLENTY | {'instances': 1000})
    api = cloud.api()
    one = api.create()
    cloud.settle()
    api.delete(f'/servers/{one}')
    cloud.settle()
    before = cloud.cost()
    for _number in range(5):
        server_id = api.create()
        cloud.settle()
        api.delete(f'/servers/{server_id}')
        cloud.settle()
    statements, messages, calls = ((now - then) / 5 for now, then in zip(cloud.cost(), before, strict=True))
    assert statements <= STATEMENTS
    assert messages <= MESSAGES
    assert calls <= HTTP_CALLS


READS = ('/servers', '/servers/detail', '/servers/detail?all_tenants=1', '/flavors/detail', '/os-hypervisors/detail')


@pytest.mark.parametrize('path', READS)
def test_what_a_list_costs_does_not_depend_on_its_length(make_cloud, path):
    cloud = make_cloud(quiet=True)
    admin = cloud.api('admin')

    def cost():
        cloud.settle()
        admin.get(path, '2.53')
        before = cloud.cost()
        admin.get(path, '2.53')
        return [now - then for now, then in zip(cloud.cost(), before, strict=True)]

    admin.create()
    few = cost()
    admin.create(min_count=9)
    many = cost()
    assert many == few
    assert many[1:] == [0, 0], 'reading asks nobody but the databases'
