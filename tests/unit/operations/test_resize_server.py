"""What only a resize does, on the small cloud of the standing tests."""

import dataclasses

import pytest

from nova import errors
from nova.db.stores import mappings, migrations
from nova.domain.resize import Allowance
from nova.saga.run import Outcome
from tests.fakes.world import PROJECT, World, make_databases
from tests.standing.trials import TRIALS, begin


@pytest.fixture
def world(tmp_path):
    made = World(make_databases(tmp_path))
    yield made
    made.databases.close()


def a_resize(world, **changes):
    return dataclasses.replace(TRIALS['resize'].prepare(world), **changes)


@pytest.mark.parametrize('allowance', [Allowance(1, -1), Allowance(-1, 255), Allowance(1, -1, 'someone')])
def test_whoever_loses_the_race_for_the_quota_stays_as_they_were(world, allowance):
    """The API has looked, but somebody else was quicker."""
    operation = a_resize(world, allowances=(allowance,))
    before = world.seen()
    begun = begin(world, operation)
    assert begun.run(world) is Outcome.FAILED
    assert begun.row().failure['kind'] == 'OverQuota'
    assert world.seen() == before


def test_usage_of_other_users_does_not_count_for_one(world):
    operation = a_resize(world, allowances=(Allowance(1, 1, 'nobody'), Allowance(2, 256)))
    with world.databases.api.writing() as tx:
        mappings.create(tx, 'another', PROJECT, 'nobody', vcpus=0, memory_mb=0)
    assert begin(world, operation).run(world) is Outcome.DONE


def test_a_host_that_goes_away_in_between_is_waited_for_until_the_disks_are_back(world):
    operation = a_resize(world)
    before = world.seen()
    begun = begin(world, operation)
    driver = world.hosts.drivers['h1']
    original = driver.resize_disks

    def goes_away(guest):
        original(guest)
        world.hosts.away.add('h1')
        raise errors.HostFailed('The disk is full.')

    driver.resize_disks = goes_away
    outcomes = [begun.run(world) for _ in range(5)]
    assert outcomes == [Outcome.POSTPONED] * 5
    world.hosts.away.clear()
    assert begun.run(world) is Outcome.FAILED
    assert world.seen() == before


def test_a_migration_tells_how_far_it_is(world):
    operation = a_resize(world)
    seen = []
    driver = world.hosts.drivers['h1']

    def looking(name):
        original = getattr(driver, name)

        def look(*arguments):
            with world.databases.own.reading() as tx:
                move = migrations.find(tx, operation.migration_id)
            seen.append((name, move.status, move.old_flavor_id, move.new_flavor_id))
            return original(*arguments)

        setattr(driver, name, look)

    for name in ('stop', 'resize_disks', 'ensure'):
        looking(name)
    begin(world, operation).run(world)
    assert seen == [
        ('stop', 'migrating', '1', '2'), ('resize_disks', 'migrating', '1', '2'), ('ensure', 'post-migrating', '1', '2'),
    ]  # fmt: skip
