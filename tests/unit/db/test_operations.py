import dataclasses
import datetime

import pytest

from nova import errors
from nova.db.stores import cells, mappings, operations
from nova.db.tables.operations import api_operations, cell_operations
from nova.domain import record
from nova.domain.lifecycle import Activity, State
from nova.domain.operation import DONE, FAILED, RUNNING, STUCK, UNDOING
from nova.domain.server import ServerRequest
from tests.unit.db.builders import ASTRAL, NOON, SMALL, an_id, an_operation, later

ME, YOU = 'me', 'you'
ID = an_operation().id


@pytest.fixture(params=['api', 'cell'])
def database(request, api, cell):
    """Both kinds of database have the same table."""
    return {'api': api, 'cell': cell}[request.param]


def start(database, *rows):
    with database.writing() as tx:
        operations.start_many(tx, list(rows))


def claim(database, owner=ME, until=later(60), now=NOON):
    with database.writing() as tx:
        return operations.claim(tx, ID, owner, until, now)


def read(database):
    with database.reading() as tx:
        return operations.get(tx, ID)


def test_a_row_comes_back_as_it_was_kept(database):
    row = an_operation(
        cell_id='c',
        request_id='req-1',
        context={'user_id': 'u'},
        direction=UNDOING,
        steps=[{'name': 'reserve', 'result': ASTRAL, 'began_at': 1.5}],
        attempt=2,
        failure={'kind': 'HostFailed', 'text': ASTRAL},
        activity='spawning',
        updated_at=NOON,
    )
    start(database, row)
    assert read(database) == row
    with database.reading() as tx:
        assert operations.find(tx, an_id(1)) is None


@pytest.mark.parametrize(
    ('fields', 'won'),
    [
        ({}, True),
        ({'owner': ME, 'lease_until': later(60)}, True),
        ({'owner': YOU, 'lease_until': later(-1)}, True),
        ({'owner': YOU, 'lease_until': later(1)}, False),
        ({'lease_until': later(60)}, True),
        ({'status': DONE}, False),
        ({'status': STUCK}, False),
    ],
)
def test_one_conductor_at_a_time_holds_an_operation(database, fields, won):
    start(database, an_operation(**fields))
    claimed = claim(database)
    assert (claimed is not None) is won
    if won:
        assert (claimed.owner, claimed.lease_until, claimed.parameters) == (ME, later(60), {'text': ASTRAL})
    else:
        assert read(database).owner == fields.get('owner')


@pytest.mark.parametrize('stop', [False, True])
def test_saving_tells_whether_to_stop(database, stop):
    start(database, an_operation(owner=ME))
    if stop:
        with database.writing() as tx:
            assert operations.request_stop(tx, an_id(1), shows=Activity.DELETING)
    for attempt in (1, 2):
        with database.writing() as tx:
            assert operations.save(tx, ID, ME, attempt=attempt, steps=[ASTRAL]) is stop
    after = read(database)
    assert (after.attempt, after.steps, after.stop_requested) == (2, [ASTRAL], stop)
    assert after.activity == ('deleting' if stop else None)


def test_saving_is_one_statement(database):
    start(database, an_operation(owner=ME))
    before = database.statements.value
    with database.writing() as tx:
        operations.save(tx, ID, ME, attempt=2)
    assert database.statements.value - before == 1


def test_who_lost_the_lease_saves_nothing(database):
    start(database, an_operation(owner=YOU))
    for write in (
        lambda tx: operations.save(tx, ID, ME, attempt=9),
        lambda tx: operations.close(tx, ID, ME, DONE),
        lambda tx: operations.close(tx, ID, ME, DONE, unless_stopped=True),
        lambda tx: operations.put_off(tx, ID, ME, NOON),
        lambda tx: operations.stick(tx, ID, ME),
    ):
        with pytest.raises(errors.LeaseLost), database.writing() as tx:
            write(tx)
    assert read(database) == an_operation(owner=YOU)


@pytest.mark.parametrize(('stop', 'unless', 'closed'), [(False, True, True), (True, True, False), (True, False, True)])
def test_an_operation_that_should_stop_does_not_end_well(database, stop, unless, closed):
    start(database, an_operation(owner=ME, stop_requested=stop, lease_until=later(5)))
    with database.writing() as tx:
        assert operations.close(tx, ID, ME, FAILED, unless_stopped=unless, attempt=4) is closed
    after = read(database)
    assert (after.status, after.attempt) == ((FAILED, 4) if closed else (RUNNING, 1))
    assert (after.owner, after.finished_at is not None) == ((None, True) if closed else (ME, False))


def test_all_leases_are_renewed_at_once(database):
    start(database, an_operation(1, owner=ME), an_operation(2, owner=ME), an_operation(3, owner=YOU))
    with database.writing() as tx:
        assert operations.renew(tx, ME, later(99)) == 2
    assert read(database).lease_until == later(99)


@pytest.mark.parametrize(
    ('fields', 'orphan'),
    [
        ({'owner': YOU, 'lease_until': later(-1)}, True),
        ({'owner': YOU, 'lease_until': later(1)}, False),
        ({'created_at': later(-10)}, True),
        ({'created_at': later(-1)}, False),
        ({'created_at': later(-10), 'lease_until': later(5)}, False),
        ({'created_at': later(-10), 'lease_until': later(-5)}, True),
        ({'created_at': later(-10), 'status': STUCK}, False),
        ({'created_at': later(-10), 'status': DONE}, False),
    ],
)
def test_orphans_are_what_nobody_runs(database, fields, orphan):
    start(database, an_operation(**fields))
    with database.reading() as tx:
        assert operations.orphans(tx, NOON, later(-5)) == ([ID] if orphan else [])


def test_what_is_put_off_is_an_orphan_later(database):
    start(database, an_operation(owner=ME, lease_until=later(60)))
    with database.writing() as tx:
        operations.put_off(tx, ID, ME, later(10))
        assert operations.orphans(tx, later(9), later(-99)) == []
        assert operations.orphans(tx, later(11), later(-99)) == [ID]


def test_what_a_conductor_releases_is_an_orphan_at_once(database):
    start(database, an_operation(owner=ME, lease_until=later(60)), an_operation(2, owner=YOU, lease_until=later(60)))
    with database.writing() as tx:
        assert operations.release(tx, ME, NOON) == 1
        assert operations.orphans(tx, later(1), later(-99)) == [ID]


def test_stuck_operations_rest_until_they_are_tried_again(database):
    start(database, an_operation(owner=ME, lease_until=later(60)))
    with database.writing() as tx:
        operations.stick(tx, ID, ME)
        assert operations.get(tx, ID).status == STUCK
        assert operations.unstick(tx, NOON - datetime.timedelta(days=9999)) == 0
        assert operations.unstick(tx, NOON + datetime.timedelta(days=9999)) == 1
        assert operations.orphans(tx, NOON + datetime.timedelta(days=9999), NOON) == [ID]


@pytest.mark.parametrize(
    ('fields', 'asked'),
    [({}, True), ({'verb': 'delete'}, False), ({'status': DONE}, False), ({'server_id': 'x'}, False)],
)
def test_only_what_runs_and_may_be_stopped_is_asked_to(database, fields, asked):
    start(database, an_operation(**fields))
    with database.writing() as tx:
        assert operations.request_stop(tx, an_id(1)) is asked
    assert read(database).stop_requested is asked


def test_late_operations_are_counted(database):
    start(
        database,
        an_operation(1, deadline_at=later(-1)),
        an_operation(2, deadline_at=later(1)),
        an_operation(3, deadline_at=later(-1), status=STUCK),
        an_operation(4, deadline_at=later(-1), status=DONE),
    )
    with database.reading() as tx:
        assert operations.past_deadline(tx, NOON) == 2


def test_a_server_has_its_history(database):
    start(database, an_operation(1), an_operation(2, server_id=an_id(1)), an_operation(3))
    with database.reading() as tx:
        assert [row.id for row in operations.of_server(tx, an_id(1))] == [an_id(1002), an_id(1001)]


def a_request(number, **fields):
    given = {'project_id': 'p', 'user_id': 'u', 'flavor': SMALL, 'image_id': 'i', 'metadata': {'a': ASTRAL}}
    return ServerRequest(an_id(number), f'server-{number}', f'server-{number}', **(given | fields))


def creating(number, **fields):
    parameters = {'server_id': an_id(number), 'request': record.dump(a_request(number))}
    return an_operation(number, **({'parameters': parameters, 'activity': 'networking'} | fields))


def test_servers_without_a_cell_are_shown_from_their_requests(api):
    start(api, creating(1), creating(2, project_id='q'), creating(3, status=DONE), creating(4, verb='delete'))
    with api.writing() as tx:
        mappings.create_many(tx, [(an_id(number), 'q' if number == 2 else 'p', 'u') for number in range(1, 5)])
    with api.reading() as tx:
        assert [server.id for server in operations.building(tx)] == [an_id(2), an_id(1)]
        assert [server.id for server in operations.building(tx, server_id=an_id(2))] == [an_id(2)]
        (server,) = operations.building(tx, 'p')
    assert (server.state, server.activity, server.operation_id) == (State.BUILDING, Activity.NETWORKING, ID)
    assert (server.metadata, server.flavor, server.created_at) == ({'a': ASTRAL}, SMALL, later(1))


def test_a_server_that_got_its_cell_is_not_shown_from_its_request(api):
    start(api, creating(1))
    with api.writing() as tx:
        mappings.create(tx, an_id(1), 'p', 'u')
        assert len(operations.building(tx)) == 1
        cells.create(tx, 'c', 'fake://', 'sqlite://', cell_id='c')
        mappings.set_cell(tx, an_id(1), 'c')
        assert operations.building(tx) == []


def test_columns_of_the_table_are_the_fields_of_the_row():
    fields = [field.name for field in dataclasses.fields(an_operation())]
    assert fields == [column.name for column in api_operations.c] == [column.name for column in cell_operations.c]
