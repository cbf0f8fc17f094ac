"""What a host tells the control plane and Placement."""

import dataclasses

import pytest

from nova import errors
from nova.clients.placement import PlacementClient
from nova.compute.inventory import DISABLED, VOLATILE_EVERY, Reporter, Share, inventories, traits
from nova.domain.host import Inventory
from nova.virt.fake.driver import TRAITS, FakeDriver
from tests.fakes.placement import FakePlacement

NODE = '7a0a5ed6-2b8b-4a3e-9f0e-000000000001'


class Conductor:
    """Keeps what it is told."""

    def __init__(self):
        self.reports, self.alive, self.enabled, self.away = [], 0, True, False

    def report_host(self, context, report):
        if self.away:
            raise errors.ServiceDown('No conductor answers.')
        self.reports.append(report)
        return self.enabled

    def host_alive(self, context, host, node_id):
        self.alive += 1


class Moving(FakeDriver):
    """A hypervisor whose uptime never stands still."""

    seconds = 0

    def report(self):
        self.seconds += 1
        return dataclasses.replace(super().report(), uptime=f'{self.seconds} s')


class World:
    def __init__(self, share=None, kind=FakeDriver, **options):
        self.now = 1000.0
        self.driver = kind('host', Inventory(8, 8192, 100))
        self.conductor, self.placement = Conductor(), FakePlacement()
        self.reporter = Reporter(
            self.driver,
            self.conductor,
            PlacementClient(self.placement),
            'host',
            NODE,
            share or Share(),
            host_ip='192.0.2.1',
            clock=lambda: self.now,
            **options,
        )

    def beat(self, seconds=10.0):
        self.now += seconds
        self.reporter.beat()

    @property
    def provider(self):
        return self.placement.providers[NODE]


def test_the_first_report_is_whole_and_the_next_are_signs_of_life():
    world = World(Share(reserved_memory_mb=512))
    for _time in range(5):
        world.beat()
    (report,) = world.conductor.reports
    assert (report.host, report.node, report.node_id, report.host_ip) == ('host', 'host', NODE, '192.0.2.1')
    assert report.inventory.reserved_memory_mb == 512
    assert report.started_at is not None
    assert world.conductor.alive == 4
    assert world.provider.inventories['MEMORY_MB']['reserved'] == 512
    assert set(world.provider.traits) == set(TRAITS)


def test_what_the_hypervisor_reserves_comes_on_top():
    shared = Share(reserved_disk_gb=3).of(Inventory(8, 8192, 100, reserved_disk_gb=2))
    assert shared.reserved_disk_gb == 5


def test_a_change_is_reported_whole():
    world = World(look_interval=60.0)
    world.beat()
    world.driver._inventory = Inventory(16, 8192, 100)
    world.beat()
    assert len(world.conductor.reports) == 1
    world.beat(60.0)
    assert world.conductor.reports[-1].inventory.vcpus == 16
    assert world.provider.inventories['VCPU']['total'] == 16


def test_what_moves_all_the_time_is_reported_now_and_then():
    world = World(kind=Moving, look_interval=1.0)
    for _time in range(5):
        world.beat()
    assert len(world.conductor.reports) == 1
    world.beat(VOLATILE_EVERY)
    assert len(world.conductor.reports) == 2


def test_placement_is_left_alone_at_rest_and_looked_at_now_and_then():
    world = World(refresh_interval=300.0)
    world.beat()
    asked = len(world.placement.requests)
    for _time in range(5):
        world.beat()
    assert len(world.placement.requests) == asked
    world.provider.traits.remove('COMPUTE_NODE')
    world.placement.known_traits.add('CUSTOM_THEIRS')
    world.provider.traits.append('CUSTOM_THEIRS')
    world.beat(300.0)
    assert set(world.provider.traits) == {*TRAITS, 'CUSTOM_THEIRS'}


def test_a_disabled_host_says_so_in_placement():
    world = World()
    world.conductor.enabled = False
    world.beat()
    assert DISABLED in world.provider.traits
    world.conductor.enabled = True
    world.reporter.report_whole()
    world.beat()
    assert DISABLED not in world.provider.traits


def test_a_disabled_host_stays_out_of_use_while_its_daemon_starts():
    world = World()
    world.placement.add_host(NODE, 'host', traits=(DISABLED,))
    world.conductor.away = True
    world.beat()
    assert DISABLED in world.provider.traits
    world.conductor.away = False
    world.beat()
    assert DISABLED not in world.provider.traits


def test_a_whole_report_that_is_asked_for_during_a_round_is_the_next_one():
    world = World()
    original = world.conductor.report_host

    def interrupted(context, report):
        answer = original(context, report)
        world.conductor.enabled = False
        world.conductor.report_host = original
        world.reporter.report_whole()
        return answer

    world.conductor.report_host = interrupted
    world.beat()
    world.beat()
    assert DISABLED in world.provider.traits


def test_it_is_ready_once_everybody_knows_of_it():
    world = World()
    world.conductor.away = True
    world.beat()
    with pytest.raises(errors.ServiceDown, match='The conductors have not been told'):
        world.reporter.check()
    world.conductor.away = False
    world.beat()
    world.reporter.check()


def test_whoever_is_away_does_not_hinder_the_others(caplog):
    world = World()
    world.placement.away = True
    for _time in range(3):
        world.beat()
    assert 'Placement cannot be reached' in world.conductor.reports[-1].trouble
    assert sum('Placement cannot be reached' in text for text in caplog.messages) == 1
    with pytest.raises(errors.ServiceDown, match='Placement'):
        world.reporter.check()
    world.placement.away, world.conductor.away = False, True
    world.beat()
    assert NODE in world.placement.providers
    world.conductor.away = False
    world.beat()
    assert world.conductor.reports[-1].trouble is None
    world.reporter.check()


def test_placement_that_goes_away_later_is_no_trouble_of_this_host():
    world = World(refresh_interval=300.0)
    world.beat()
    world.placement.away = True
    world.beat(300.0)
    assert world.conductor.reports[-1].trouble is None


def test_a_hypervisor_that_is_lost_is_noticed_at_the_next_beat():
    world = World(look_interval=60.0)
    world.beat()
    world.driver.trouble = 'The hypervisor is away.'
    world.beat()
    assert world.conductor.reports[-1].trouble == 'The hypervisor is away.'
    world.driver.trouble = None
    world.beat()
    assert world.conductor.reports[-1].trouble is None


def test_a_host_whose_name_placement_knows_by_another_id_is_in_trouble():
    world = World()
    world.placement.add_host('another-id', 'host', vcpu=1)
    world.beat()
    assert 'by another id' in world.conductor.reports[-1].trouble


ROWS = {'VCPU': 8, 'MEMORY_MB': 8192, 'DISK_GB': 100}


@pytest.mark.parametrize(
    ('share', 'known', 'expected'),
    [
        (Share(), {}, {'VCPU': 4.0, 'MEMORY_MB': 1.0, 'DISK_GB': 1.0}),
        (Share(initial_cpu_ratio=16.0), {}, {'VCPU': 16.0, 'MEMORY_MB': 1.0, 'DISK_GB': 1.0}),
        (Share(), {'VCPU': 2.5}, {'VCPU': 2.5, 'MEMORY_MB': 1.0, 'DISK_GB': 1.0}),
        (Share(cpu_ratio=3.0), {'VCPU': 2.5}, {'VCPU': 3.0, 'MEMORY_MB': 1.0, 'DISK_GB': 1.0}),
    ],
)
def test_a_ratio_that_is_not_set_is_placements_own(share, known, expected):
    current = {name: {'allocation_ratio': ratio} for name, ratio in known.items()}
    found = inventories(share.of(Inventory(8, 8192, 100)), current)
    assert {name: row['allocation_ratio'] for name, row in found.items()} == expected
    assert {name: row['total'] for name, row in found.items()} == ROWS


def test_a_host_without_disk_offers_none_and_never_reserves_more_than_it_has():
    found = inventories(Share(reserved_vcpus=9).of(Inventory(8, 8192, 0)), {})
    assert 'DISK_GB' not in found
    assert found['VCPU']['reserved'] == 8


@pytest.mark.parametrize(
    ('current', 'reported', 'before', 'enabled', 'expected'),
    [
        ((), ('COMPUTE_NODE',), (), True, {'COMPUTE_NODE'}),
        (('COMPUTE_NODE', 'COMPUTE_RESCUE_BFV'), ('COMPUTE_NODE',), (), True, {'COMPUTE_NODE'}),
        (('CUSTOM_X', 'HW_CPU_X86_AVX'), ('COMPUTE_NODE',), (), True, {'CUSTOM_X', 'HW_CPU_X86_AVX', 'COMPUTE_NODE'}),
        (('HW_CPU_X86_AVX', 'CUSTOM_X'), (), ('HW_CPU_X86_AVX',), True, {'CUSTOM_X'}),
        ((DISABLED,), (), (), True, set()),
        ((), (), (), False, {DISABLED}),
        ((DISABLED,), (), (), None, {DISABLED}),
        ((), (), (), None, set()),
    ],
)
def test_compute_traits_are_the_hosts_own(current, reported, before, enabled, expected):
    assert traits(frozenset(current), frozenset(reported), frozenset(before), enabled) == expected


def test_placement_knows_of_a_trouble_for_which_the_host_is_disabled():
    world = World()
    world.beat()
    assert DISABLED not in world.provider.traits
    world.driver.trouble, world.conductor.enabled = 'The hypervisor is away.', False
    world.beat()
    assert DISABLED in world.provider.traits
    world.driver.trouble, world.conductor.enabled = None, True
    world.beat()
    assert DISABLED not in world.provider.traits
