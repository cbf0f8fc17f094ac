"""Creating a member of a group: whoever comes second to a host looks for another, and leaves the group when deleted."""

import pytest

from nova.db.stores import server_groups
from nova.domain.lifecycle import State
from nova.operations.create_server import CreateServer
from nova.operations.delete_server import DeleteServer
from tests.fakes.world import CELL, World, make_databases
from tests.standing.trials import Begun


@pytest.fixture
def world(tmp_path):
    made = World(make_databases(tmp_path))
    yield made
    made.databases.close()


def made(world, group_id, **options):
    """A new member of the group, on the first host that the scheduler, who knows nothing of groups, lets it have."""
    request = world.server_request(scheduler_hints={'group': group_id}, **options)
    with world.databases.api.writing() as tx:
        server_groups.add_members(tx, group_id, [request.server_id])
    Begun(world, CreateServer(request.server_id, request), in_api=True).run(world)
    return world.find(request.server_id)[0]


def test_who_comes_second_looks_for_another_host(world):
    group_id = world.add_group('anti-affinity')
    servers = [made(world, group_id) for _number in range(3)]
    assert [server.host for server in servers] == ['h1', 'h2', None]
    assert servers[2].state is State.ERROR
    assert len(world.seen()['claims']) == 2


def test_a_rule_lets_some_be_together(world):
    group_id = world.add_group('anti-affinity', max_server_per_host=2)
    assert [made(world, group_id).host for _number in range(3)] == ['h1', 'h1', 'h2']


def test_those_that_belong_together_are_brought_together(world):
    group_id = world.add_group('affinity')
    world.room.hosts = ('h2', 'h1')
    assert made(world, group_id).host == 'h2'
    world.room.hosts = ('h1', 'h2')
    assert made(world, group_id).host == 'h2'


@pytest.mark.parametrize('policy', ['soft-affinity', 'soft-anti-affinity'])
def test_wishes_are_no_rules(world, policy):
    group_id = world.add_group(policy)
    assert [made(world, group_id).host for _number in range(2)] == ['h1', 'h1']


def test_who_forces_a_host_gets_it(world):
    group_id = world.add_group('anti-affinity')
    assert [made(world, group_id, forced=True).host for _number in range(2)] == ['h1', 'h1']


def test_a_group_that_is_gone_asks_for_nothing(world):
    group_id = world.add_group('anti-affinity')
    made(world, group_id)
    request = world.server_request(scheduler_hints={'group': group_id})
    with world.databases.api.writing() as tx:
        server_groups.remove(tx, group_id)
    Begun(world, CreateServer(request.server_id, request), in_api=True).run(world)
    assert world.find(request.server_id)[0].host == 'h1'


def test_a_deleted_server_leaves_its_group(world):
    group_id = world.add_group('anti-affinity')
    server = made(world, group_id)
    Begun(world, DeleteServer.of(server, CELL, 'instance-%08x')).run(world)
    with world.databases.api.reading() as tx:
        assert server_groups.count_members(tx, group_id) == 0
    assert made(world, group_id).host == 'h1'
