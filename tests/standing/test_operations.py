"""Every operation in the registry: it works, fails, repeats and resumes at every step, and leaves the world in order."""

import dataclasses
import datetime
import uuid
from collections.abc import Callable

import pytest

from nova import errors
from nova.conductor.journal import StoredJournal
from nova.db.stores import guests, operations, servers
from nova.domain import record
from nova.domain.lifecycle import TRANSITIONS, Power, State
from nova.domain.operation import OperationRow
from nova.operations.create_server import CreateServer
from nova.operations.delete_server import DeleteServer
from nova.operations.registry import OPERATIONS, load
from nova.saga.run import Outcome, run
from nova.saga.step import Step
from tests.fakes.world import CELL, World, make_databases

OWNER = 'a-conductor'


@dataclasses.dataclass(frozen=True)
class Trial:
    """How to come to the point where a verb may begin, and whether its row is in the API database."""

    prepare: Callable
    in_api: bool = False


def _create(world):
    request = world.server_request()
    return CreateServer(request.server_id, request)


def _delete(world):
    created = _create(world)
    begin(world, created).run(world)
    server, _cell = world.find(created.server_id)
    return DeleteServer(server.id, CELL, server.host, server.guest_name(), server.ports)


TRIALS = {'create': Trial(_create, in_api=True), 'delete': Trial(_delete)}

STEPS = [(verb, step.name) for verb, operation in OPERATIONS.items() for step in operation.steps]
UNDONE_STEPS = [
    (verb, step.name) for verb, operation in OPERATIONS.items() for step in operation.steps if step.undo is not None
]


class Begun:
    """An operation with its row; each `run` is by a conductor that knows only the row."""

    def __init__(self, world, operation, in_api):
        self.operation = operation
        self.database = world.databases.api if in_api else world.databases.own
        now = datetime.datetime.now(datetime.UTC)
        self.row_id = str(uuid.uuid4())
        row = OperationRow(
            id=self.row_id,
            verb=operation.verb,
            server_id=operation.server_id,
            cell_id=None if in_api else CELL,
            parameters=record.dump(operation),
            deadline_at=now + datetime.timedelta(hours=1),
            created_at=now,
        )
        with self.database.writing() as tx:
            if not in_api:
                servers.begin(tx, operation.server_id, operation.transition, row.id)
            operations.start(tx, row)

    def run(self, world, steps=None, owner=OWNER):
        now = datetime.datetime.now(datetime.UTC)
        with self.database.writing() as tx:
            # A lease that is over at once: the next conductor may take it.
            row = operations.claim(tx, self.row_id, owner, now - datetime.timedelta(seconds=1), now)
        operation = load(row.verb, row.parameters)
        if steps:
            operation = _with_steps(operation, steps)
        return run(operation, world, StoredJournal(self.database, row, owner))

    def row(self):
        with self.database.reading() as tx:
            return operations.get(tx, self.row_id)


def begin(world, operation):
    return Begun(world, operation, TRIALS[operation.verb].in_api)


def _with_steps(operation, change):
    """The same operation with changed steps."""
    kind = type(type(operation).__name__, (type(operation),), {'steps': tuple(map(change, operation.steps))})
    return kind(**{field.name: getattr(operation, field.name) for field in dataclasses.fields(operation)})


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
    rule = TRANSITIONS[begun.operation.verb]
    server, _cell = world.find(begun.operation.server_id)
    assert server.state is rule.success
    assert (server.activity, server.operation_id) == (None, None)
    assert begun.row().status == 'done'
    return server


def test_every_operation_has_a_trial_and_a_transition():
    assert set(TRIALS) == set(OPERATIONS) == set(TRANSITIONS)


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
    assert server.state is (TRANSITIONS[verb].failure or State.ACTIVE)
    assert server.fault.message == 'It does not work.'
    assert (server.activity, server.operation_id) == (None, None)
    assert begun.row().status == 'failed'
    if all(known.undo for known in operation.steps if known.applies(operation) and not known.permanent):
        undone = [known for known in operation.steps if known.undo]
        if undone:
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
    if verb == 'create':
        assert len(seen['ports']) == len(seen['claims']) == sum(map(len, seen['guests'].values())) == 1
    else:
        assert (seen['ports'], seen['claims']) == ([], {})
        assert not any(seen['guests'].values())


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
    begun = begin(world, _create(world))
    assert begun.run(world) is Outcome.DONE
    server = ended_well(world, begun)
    assert server.host == 'h2'
    assert server.power is Power.RUNNING


@pytest.mark.parametrize(('most', 'outcome'), [(1, Outcome.FAILED), (2, Outcome.DONE)])
def test_a_server_is_tried_on_as_many_hosts_as_the_option_says(world, most, outcome):
    world.hosts.drivers['h1'].ensure = _raise(errors.HostFailed('no disk'))
    begun = begin(world, _create(world))
    assert begun.run(dataclasses.replace(world, max_attempts=most)) is outcome
    assert begun.row().attempt == most


def test_a_server_that_no_host_can_make_ends_in_cell0_with_the_reason(world):
    for driver in world.hosts.drivers.values():
        driver.ensure = _raise(errors.HostFailed('no disk'))
    begun = begin(world, _create(world))
    assert begun.run(world) is Outcome.FAILED
    server, cell = world.find(begun.operation.server_id)
    assert cell != CELL
    assert server.state is State.ERROR
    assert server.fault.message == 'No valid host was found.'
    assert 'h1' in server.fault.details
    assert 'h2' in server.fault.details


def test_a_deleted_server_that_was_being_made_is_gone_with_all_that_it_had(world):
    before = world.seen()
    begun = begin(world, _create(world))

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


@pytest.mark.parametrize('verb', OPERATIONS)
def test_a_guest_on_a_host_that_is_away_is_noted_for_later(world, verb):
    operation = TRIALS[verb].prepare(world)
    begun = begin(world, operation)
    if verb == 'create':
        world.hosts.away.add('h1')
        outcomes = [begun.run(world) for _ in range(4)]
        assert outcomes == [Outcome.POSTPONED] * 3 + [Outcome.DONE]
        assert world.find(operation.server_id)[0].host == 'h2'
    else:
        world.hosts.away.add(operation.host)
        assert begun.run(world) is Outcome.DONE
        assert world.find(operation.server_id)[0].state is State.DELETED
    with world.databases.own.reading() as tx:
        assert [(left.server_id, left.host) for left in guests.abandoned(tx)] == [(operation.server_id, 'h1')]


def _raise(failure):
    def raising(*_arguments, **_options):
        raise failure

    return raising
