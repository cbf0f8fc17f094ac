"""The scheduler service: its endpoint, its options, and its life."""

import threading

import pytest

import nova.conf
from nova import errors
from nova.context import admin_context
from nova.rpc.contract import refuse_mismatch
from nova.rpc.scheduler import Scheduler
from nova.scheduler.service import SchedulerService, rules
from nova.scheduler.weighers.ram import RAM
from tests.unit.compute.test_service import Bus
from tests.unit.scheduler.test_choose import Cloud, small

CONTEXT = admin_context()


class World:
    def __init__(self, **sizes):
        self.cloud, self.bus = Cloud(**sizes), Bus()
        self.service = SchedulerService(
            self.cloud.chooser, self.cloud.hosts, self.bus, 'host', placement=self.cloud.client
        )


def conf_with(tmp_path, text):
    path = tmp_path / 'nova.conf'
    path.write_text(text)
    return nova.conf.load(['--config-file', str(path)], 'nova-scheduler', with_neighbours=False)


def test_the_contract_is_kept():
    refuse_mismatch(Scheduler, World().service)


def test_a_select_is_answered_and_logged(caplog):
    caplog.set_level('INFO')
    service = World(a=2, b=8).service
    (choice,) = service.select(CONTEXT, (small('s'),))
    assert choice.selection.host == 'b'
    assert any(text.startswith('Server s: b (0 left out)') for text in caplog.messages)
    assert service.select(CONTEXT, ()) == ()


def test_the_reasons_of_a_refusal_are_logged(caplog):
    caplog.set_level('DEBUG')
    (choice,) = World(a=2).service.select(CONTEXT, (small('s', excluding=('a',)),))
    assert choice.selection is None
    assert 'Server s, host a: It has failed to make this guest already.' in caplog.messages


def test_many_selects_at_a_time_are_all_answered_and_cost_few_requests():
    world = World(a=50, b=50)
    results = {}

    def select(number):
        results[number] = world.service.select(CONTEXT, (small(f's{number}'),))

    threads = [threading.Thread(target=select, args=(number,)) for number in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert all(choice.selection for (choice,) in results.values())
    assert len(world.cloud.placement.consumers) == 60
    assert len(world.cloud.placement.requests) <= 61


def test_it_starts_once_the_bus_is_there():
    world = World(a=2)
    world.bus.away = True
    with pytest.raises(errors.ServiceDown):
        world.service.start()
    world.bus.away = False
    world.service.start()
    assert world.bus.served == [(Scheduler, 'host')]
    world.service.stop(5)
    assert world.bus.closed


def test_placement_that_is_away_is_told_to_the_caller():
    world = World(a=2)
    world.cloud.placement.away = True
    with pytest.raises(errors.ServiceDown, match='Placement cannot be reached'):
        world.service.select(CONTEXT, (small('s'),))
    with pytest.raises(errors.ServiceDown):
        world.service.checks['placement']()


def test_rules_come_from_the_options(tmp_path):
    text = (
        '[filter_scheduler]\nenabled_filters = NumInstancesFilter\nram_weight_multiplier = -2\nhost_subset_size = 3\n'
    )
    made = rules(conf_with(tmp_path, f'[DEFAULT]\ndefault_availability_zone = north\n{text}'))
    assert [type(rule).__name__ for rule in made.filters][-1] == 'NumInstances'
    assert [weigher.multiplier for weigher in made.weighers if isinstance(weigher, RAM)] == [-2.0]
    assert (made.subset_size, made.default_zone) == (3, 'north')


def test_an_unknown_filter_is_refused(tmp_path):
    with pytest.raises(errors.Invalid, match='names NoSuchFilter, which is not known'):
        rules(conf_with(tmp_path, '[filter_scheduler]\nenabled_filters = NoSuchFilter\n'))


def test_what_can_be_measured():
    world = World(a=2)
    world.service.select(CONTEXT, (small('s'),))
    values = {family.name: [sample.value for sample in family.samples] for family in world.service.collect()}
    assert values['nova_scheduler_choices'] == [1, 0, 0]
    assert values['nova_scheduler_hosts'] == [1]
