"""The engine: steps in order, undone in reverse, resumed from wherever the journal stands."""

import dataclasses

import pytest

from nova import errors
from nova.domain import record
from nova.saga.journal import MemoryJournal, Page
from nova.saga.run import UNDO_TRIES, Outcome, run
from nova.saga.step import Step


class World:
    """What the steps change; `failures` maps a step to the errors that it raises, one each time."""

    def __init__(self, **failures):
        self.things, self.calls, self.failures = set(), [], failures

    def touch(self, name, change):
        self.calls.append(name)
        pending = self.failures.get(name)
        if pending:
            raise pending.pop(0)
        change()


def _step(name, **options):
    def do(operation, cloud, journal):
        cloud.touch(name, lambda: cloud.things.add(name))
        return name.upper()

    def undo(operation, cloud, journal):
        cloud.touch(f'un{name}', lambda: cloud.things.discard(name))

    do.__name__ = name
    return Step(do, undo=undo, **options)


@dataclasses.dataclass(frozen=True)
class Verb:
    steps: tuple = (_step('one'), _step('two'), _step('three'))
    most: int = 1
    worth_another_try: tuple = (errors.HostFailed,)

    def attempts(self, world):
        return self.most


def test_steps_run_in_order_and_their_results_are_kept():
    world, journal = World(), MemoryJournal()
    assert run(Verb(), world, journal) is Outcome.DONE
    assert world.calls == ['one', 'two', 'three']
    assert journal.result('two', str) == 'TWO'
    assert journal.closed


@pytest.mark.parametrize('failing', ['one', 'two', 'three'])
def test_a_failure_undoes_what_may_have_run_newest_first(failing):
    world, journal = World(**{failing: [errors.Conflict('no')]}), MemoryJournal()
    assert run(Verb(), world, journal) is Outcome.FAILED
    begun = ['one', 'two', 'three'][: ['one', 'two', 'three'].index(failing) + 1]
    assert world.calls == begun + [f'un{name}' for name in reversed(begun)]
    assert world.things == set()
    assert str(journal.raised()) == 'no'


def test_a_step_that_failed_has_an_end_and_a_reason():
    journal = MemoryJournal(clock=lambda: 7.0)
    assert (
        run(Verb(), World(two=[errors.Conflict('no')], unone=[errors.HostFailed('stays')]), journal)
        is Outcome.POSTPONED
    )
    failed = journal.page.entries[1]
    assert (failed.error, failed.ended_at) == ('no', 7.0)


def test_what_a_step_had_to_wait_for_is_no_error_of_it_once_it_is_done():
    journal = MemoryJournal()
    world = World(two=[errors.ServiceDown('away')])
    assert run(Verb(), world, journal) is Outcome.POSTPONED
    waiting = journal.page.entries[1]
    assert (waiting.error, waiting.ended_at) == ('away', None)
    assert run(Verb(), world, journal) is Outcome.DONE
    assert [entry.error for entry in journal.page.entries] == [None, None, None]


def test_what_was_given_up_tells_what_it_waited_for():
    journal = MemoryJournal()
    assert run(Verb(), World(two=[errors.ServiceDown('Glance is away.')]), journal) is Outcome.POSTPONED
    journal.past_deadline = True
    assert run(Verb(), World(), journal) is Outcome.FAILED
    assert isinstance(journal.raised(), errors.PastDeadline)
    assert journal.page.failure.details == 'Glance is away.'


def test_another_host_is_tried_after_a_host_failed():
    world, journal = World(three=[errors.HostFailed('broken')]), MemoryJournal()
    assert run(Verb(most=2), world, journal) is Outcome.DONE
    assert journal.page.attempt == 2
    assert journal.failed_attempts('one', str) == [('ONE', 'broken')]
    assert world.things == {'one', 'two', 'three'}


def test_attempts_end():
    world = World(three=[errors.HostFailed('broken'), errors.HostFailed('broken again'), errors.HostFailed('unused')])
    journal = MemoryJournal()
    assert run(Verb(most=2), world, journal) is Outcome.FAILED
    assert str(journal.raised()) == 'broken again'
    assert world.things == set()


@pytest.mark.parametrize('crash_in', ['one', 'two', 'three'])
def test_after_a_crash_another_conductor_ends_it_the_same(crash_in):
    world = World(**{crash_in: [SystemExit()]})
    journal = MemoryJournal()
    with pytest.raises(SystemExit):
        run(Verb(), world, journal)
    found = MemoryJournal(record.load(Page, record.dump(journal.page)))
    assert run(Verb(), world, found) is Outcome.DONE
    assert world.things == {'one', 'two', 'three'}
    assert found.maybe_ran_before(crash_in)


def test_after_a_crash_while_undoing_it_goes_on_undoing():
    world = World(three=[errors.Conflict('no')], untwo=[SystemExit()])
    journal = MemoryJournal()
    with pytest.raises(SystemExit):
        run(Verb(), world, journal)
    found = MemoryJournal(record.load(Page, record.dump(journal.page)))
    assert run(Verb(), world, found) is Outcome.FAILED
    assert world.calls[-2:] == ['untwo', 'unone']
    assert world.things == set()


def test_what_does_not_answer_is_asked_again_later():
    world, journal = World(two=[errors.ServiceDown('away')]), MemoryJournal()
    assert run(Verb(), world, journal) is Outcome.POSTPONED
    assert world.things == {'one'}
    assert run(Verb(), world, journal) is Outcome.DONE
    assert world.calls == ['one', 'two', 'two', 'three']


def test_patience_ends_where_another_host_could_do_it():
    verb = Verb(steps=(_step('one'), _step('two', patience=1)), most=2)
    world, journal = World(two=[errors.HostAway('away')] * 2), MemoryJournal()
    assert run(verb, world, journal) is Outcome.POSTPONED
    assert run(verb, world, journal) is Outcome.DONE
    assert journal.page.attempt == 2


def test_a_neighbour_that_is_away_is_never_held_against_the_host():
    verb = Verb(steps=(_step('one'), _step('two', patience=1)), most=2)
    world, journal = World(two=[errors.ServiceDown('away')] * 9), MemoryJournal()
    assert [run(verb, world, journal) for _ in range(9)] == [Outcome.POSTPONED] * 9
    assert run(verb, world, journal) is Outcome.DONE
    assert journal.page.attempt == 1


def test_an_undo_that_keeps_failing_is_left_to_an_operator():
    world, journal = World(two=[errors.Conflict('no')], unone=[ValueError('bug')] * UNDO_TRIES), MemoryJournal()
    outcomes = [run(Verb(), world, journal) for _ in range(UNDO_TRIES)]
    assert outcomes == [Outcome.POSTPONED] * (UNDO_TRIES - 1) + [Outcome.STUCK]


@pytest.mark.parametrize('kind', [errors.ServiceDown, errors.Unavailable])
def test_an_undo_waits_for_what_does_not_answer_however_long(kind):
    world = World(two=[errors.Conflict('no')], unone=[kind('away')] * 20)
    journal = MemoryJournal()
    assert [run(Verb(), world, journal) for _ in range(20)] == [Outcome.POSTPONED] * 20
    assert run(Verb(), world, journal) is Outcome.FAILED


def test_a_stop_is_heeded_between_two_steps():
    journal = MemoryJournal()

    class Stopping(World):
        def touch(self, name, change):
            super().touch(name, change)
            journal.stop_requested = journal.stop_requested or name == 'two'

    world = Stopping()
    assert run(Verb(), world, journal) is Outcome.FAILED
    assert world.calls == ['one', 'two', 'untwo', 'unone'] or world.calls[-2:] == ['untwo', 'unone']
    assert world.things == set()
    assert isinstance(journal.raised(), errors.Stopped)


def test_past_its_deadline_it_turns_back():
    journal = MemoryJournal()
    journal.past_deadline = True
    assert run(Verb(), World(), journal) is Outcome.FAILED
    assert isinstance(journal.raised(), errors.PastDeadline)


def test_steps_that_do_not_apply_are_left_out():
    world, journal = World(), MemoryJournal()
    verb = Verb(steps=(_step('one'), _step('two', when=lambda operation: False), _step('three')))
    assert run(verb, world, journal) is Outcome.DONE
    assert world.calls == ['one', 'three']


def test_a_step_needs_an_undo_or_a_reason():
    with pytest.raises(TypeError, match='give an undo, or say why'):
        Step(lambda operation, cloud, journal: None)
