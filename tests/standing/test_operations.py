"""Every operation in the registry: it works, fails, repeats and resumes at every step, and leaves the world in order."""

import dataclasses

import pytest

from nova import errors
from nova.db.stores import guests, operations
from nova.domain.lifecycle import TRANSITIONS, Power, State
from nova.operations.registry import OPERATIONS
from nova.saga.run import Outcome
from nova.saga.step import Step
from tests.fakes.world import CELL, World, make_databases
from tests.standing.trials import TRIALS, begin, create

STEPS = [(verb, step.name) for verb, operation in OPERATIONS.items() for step in operation.steps]
UNDONE_STEPS = [
    (verb, step.name) for verb, operation in OPERATIONS.items() for step in operation.steps if step.undo is not None
]


def _break(step_name, failure, after):
    """A change of steps: one that fails, with its work left out or (`after`) done."""

    def change(step: Step) -> Step:
        if step.name != step_name:
            return step

        def do(operation, cloud, journal):
            if after:
                step.do(operation, cloud, journal)
            raise failure

        do.__name__ = step.do.__name__
        return dataclasses.replace(step, do=do)

    return change


def _twice(function):
    def both(operation, cloud, journal):
        function(operation, cloud, journal)
        return function(operation, cloud, journal)

    both.__name__ = function.__name__
    return both


@pytest.fixture
def world(tmp_path):
    made = World(make_databases(tmp_path))
    yield made
    made.databases.close()


def ended_well(world, begun):
    verb = begun.operation.verb
    server, _cell = world.find(begun.operation.server_id)
    assert server.state is (TRIALS[verb].success or TRANSITIONS[verb].success or begun.before)
    assert (server.activity, server.operation_id) == (None, None)
    assert begun.row().status == 'done'
    return server


def test_every_operation_has_a_trial_and_a_transition():
    assert set(TRIALS) == set(OPERATIONS) <= set(TRANSITIONS)


@pytest.mark.parametrize('verb', OPERATIONS)
def test_it_works(world, verb):
    begun = begin(world, TRIALS[verb].prepare(world))
    assert begun.run(world) is Outcome.DONE
    ended_well(world, begun)


@pytest.mark.parametrize('after', [False, True], ids=['before its work', 'after its work'])
@pytest.mark.parametrize(('verb', 'step'), STEPS)
def test_a_failing_step_leaves_no_trace_or_can_be_asked_for_again(world, verb, step, after):
    operation = TRIALS[verb].prepare(world)
    before = world.seen()
    begun = begin(world, operation)
    assert begun.run(world, _break(step, errors.Conflict('It does not work.'), after)) is Outcome.FAILED
    server, _cell = world.find(operation.server_id)
    bad = None if step in TRIALS[verb].harmless else TRANSITIONS[verb].failure
    assert server.state is (bad or begun.before)
    assert begun.row().failure['text'] == 'It does not work.'
    assert server.state is not State.ERROR or server.fault.message == 'It does not work.'
    assert (server.activity, server.operation_id) == (None, None)
    assert begun.row().status == 'failed'
    if all(known.undo for known in operation.steps if known.applies(operation) and not known.permanent):
        undone = [known for known in operation.steps if known.undo]
        if undone and step not in TRIALS[verb].for_good:
            assert world.seen() == before
            return
    again = begin(world, operation)
    assert again.run(world) is Outcome.DONE
    ended_well(world, again)


@pytest.mark.parametrize('failing', UNDONE_STEPS, ids=str)
def test_each_undo_may_run_twice(world, failing):
    verb, last = failing
    operation = TRIALS[verb].prepare(world)
    before = world.seen()
    begun = begin(world, operation)

    def change(step):
        step = _break(last, errors.Conflict('no'), after=True)(step)
        return dataclasses.replace(step, undo=_twice(step.undo)) if step.undo else step

    assert begun.run(world, change) is Outcome.FAILED
    assert world.seen() == before


@pytest.mark.parametrize('verb', OPERATIONS)
def test_each_step_run_twice_is_as_good_as_once(world, verb):
    """A conductor that dies between doing and noting makes the next one do it again."""
    operation = TRIALS[verb].prepare(world)
    begun = begin(world, operation)
    for step in operation.steps:
        if step.applies(operation):
            with pytest.raises(KeyboardInterrupt):
                begun.run(world, _break(step.name, KeyboardInterrupt(), after=True), owner=f'dies in {step.name}')
    assert begun.run(world, owner='survivor') is Outcome.DONE
    ended_well(world, begun)
    seen = world.seen()
    trial = TRIALS[verb]
    found = sum(map(len, seen['guests'].values())), len(seen['ports']), len(seen['claims'])
    assert found == (trial.guests, trial.ports, trial.claims)
    # Each has a TPM, and the key manager its secret.
    assert len(seen['secrets']) == trial.guests


@pytest.mark.parametrize('after', [False, True], ids=['before its work', 'after its work'])
@pytest.mark.parametrize(('verb', 'step'), STEPS)
def test_after_a_crash_at_any_step_it_ends_the_same(world, verb, step, after):
    operation = TRIALS[verb].prepare(world)
    begun = begin(world, operation)
    with pytest.raises(KeyboardInterrupt):
        begun.run(world, _break(step, KeyboardInterrupt(), after), owner='dies')
    assert begun.run(world, owner='survivor') is Outcome.DONE
    ended_well(world, begun)


@pytest.mark.parametrize(('verb', 'step'), STEPS)
def test_what_does_not_answer_is_waited_for(world, verb, step):
    operation = TRIALS[verb].prepare(world)
    begun = begin(world, operation)
    assert begun.run(world, _break(step, errors.ServiceDown('away'), after=False)) is Outcome.POSTPONED
    assert begun.run(world) is Outcome.DONE
    ended_well(world, begun)


# What only one verb does


def test_a_failed_host_is_left_out_of_the_next_attempt(world):
    world.hosts.drivers['h1'].ensure = _raise(errors.HostFailed('no disk'))
    begun = begin(world, create(world))
    assert begun.run(world) is Outcome.DONE
    server = ended_well(world, begun)
    assert server.host == 'h2'
    assert server.power is Power.RUNNING


@pytest.mark.parametrize(('most', 'outcome'), [(1, Outcome.FAILED), (2, Outcome.DONE)])
def test_a_server_is_tried_on_as_many_hosts_as_the_option_says(world, most, outcome):
    world.hosts.drivers['h1'].ensure = _raise(errors.HostFailed('no disk'))
    begun = begin(world, create(world))
    assert begun.run(dataclasses.replace(world, max_attempts=most)) is outcome
    assert begun.row().attempt == most


def test_a_server_that_no_host_can_make_ends_in_cell0_with_the_reason(world):
    for driver in world.hosts.drivers.values():
        driver.ensure = _raise(errors.HostFailed('no disk'))
    begun = begin(world, create(world))
    assert begun.run(world) is Outcome.FAILED
    server, cell = world.find(begun.operation.server_id)
    assert cell != CELL
    assert server.state is State.ERROR
    assert server.fault.message == 'No valid host was found.'
    assert 'h1' in server.fault.details
    assert 'h2' in server.fault.details


def test_a_deleted_server_that_was_being_made_is_gone_with_all_that_it_had(world):
    before = world.seen()
    begun = begin(world, create(world))

    def stop_after(step):
        if step.name != 'bind_ports':
            return step

        def do(operation, cloud, journal):
            result = step.do(operation, cloud, journal)
            with world.databases.api.writing() as tx:
                assert operations.request_stop(tx, operation.server_id)
            return result

        do.__name__ = step.do.__name__
        return dataclasses.replace(step, do=do)

    assert begun.run(world, stop_after) is Outcome.FAILED
    server, _cell = world.find(begun.operation.server_id)
    assert server.state is State.DELETED
    assert world.seen()['claims'] == before['claims']
    assert not world.seen()['ports']


def test_a_new_guest_whose_host_goes_away_is_made_elsewhere_and_removed_later(world):
    operation = create(world)
    begun = begin(world, operation)
    world.hosts.away.add('h1')
    assert [begun.run(world) for _ in range(4)] == [Outcome.POSTPONED] * 3 + [Outcome.DONE]
    assert world.find(operation.server_id)[0].host == 'h2'
    assert abandoned(world) == [(operation.server_id, 'h1')]


def test_a_guest_whose_host_is_away_is_removed_later(world):
    operation = TRIALS['delete'].prepare(world)
    begun = begin(world, operation)
    world.hosts.away.add(operation.host)
    assert begun.run(world) is Outcome.DONE
    assert world.find(operation.server_id)[0].state is State.DELETED
    assert abandoned(world) == [(operation.server_id, 'h1')]


def abandoned(world):
    with world.databases.own.reading() as tx:
        return [(left.server_id, left.host) for left in guests.abandoned(tx)]


@pytest.mark.parametrize('verb', sorted(set(OPERATIONS) - {'create', 'delete'}))
def test_a_verb_on_a_host_that_stays_away_is_given_up_after_a_while(world, verb):
    operation = TRIALS[verb].prepare(world)
    begun = begin(world, operation)
    world.hosts.away.update(world.hosts.drivers)
    outcomes = [begun.run(world)]
    while outcomes[-1] is Outcome.POSTPONED and len(outcomes) < 20:
        outcomes.append(begun.run(world))
    assert outcomes[-1] in (Outcome.FAILED, Outcome.DONE)
    server, _cell = world.find(operation.server_id)
    assert (server.activity, server.operation_id) == (None, None)


def _raise(failure):
    def raising(*_arguments, **_options):
        raise failure

    return raising
