"""Keep the journals of operations: start, claim, save, and hand over. In the API database or a cell's."""

import dataclasses
import datetime
from typing import Any

import sqlalchemy as sa

from nova import errors
from nova.db.tables.cells import server_mappings
from nova.db.tables.operations import api_operations
from nova.db.tables.types import now as present
from nova.domain import record
from nova.domain.lifecycle import TRANSITIONS, Activity, State
from nova.domain.operation import DONE, FAILED, RUNNING, STUCK, WAITING, OperationRow
from nova.domain.server import Server, ServerRequest
from nova.domain.server import building as as_building

# The table is the same in both kinds of database, so either object names it.
_operations = api_operations
_columns = tuple(_operations.c[field.name] for field in dataclasses.fields(OperationRow))
# Operations that others make way for; they themselves are never asked to stop.
_UNSTOPPABLE = tuple(rule.verb for rule in TRANSITIONS.values() if rule.success is State.DELETED)

# Made once, because putting a statement together takes longer than sending it. What an UPDATE sets comes with its
# parameters: those that are named like columns.
_this = _operations.c.id == sa.bindparam('this')
_held = sa.and_(_this, _operations.c.owner == sa.bindparam('holder'))
_FIND = sa.select(*_columns).where(_this)
_START = sa.insert(_operations)
_CLAIM = sa.update(_operations).where(
    _this,
    _operations.c.status == RUNNING,
    sa.or_(
        _operations.c.owner.is_(None),
        _operations.c.owner == sa.bindparam('holder'),
        _operations.c.lease_until < sa.bindparam('ended'),
    ),
)
_CLAIM_AND_FIND = _CLAIM.returning(*_columns)
_SAVE = sa.update(_operations).where(_held)
_SAVE_AND_TELL = _SAVE.returning(_operations.c.stop_requested)
# MariaDB returns nothing from an UPDATE but the last insert id, which an expression may set.
_SAVE_AND_NUMBER = _SAVE.values(
    stop_requested=sa.func.if_(
        sa.func.last_insert_id(sa.type_coerce(_operations.c.stop_requested, sa.Integer) + 1) > 1, sa.true(), sa.false()
    )
)
_CLOSE = sa.update(_operations).where(_held, _operations.c.status == RUNNING)
_CLOSE_UNLESS_STOPPED = _CLOSE.where(_operations.c.stop_requested.is_(False))


def start(tx: sa.Connection, operation: OperationRow) -> None:
    start_many(tx, [operation])


def start_many(tx: sa.Connection, operations: list[OperationRow]) -> None:
    """Record operations that conductors are to run."""
    if operations:
        tx.execute(_START, [_values(operation) for operation in operations])


def find(tx: sa.Connection, operation_id: str) -> OperationRow | None:
    row = tx.execute(_FIND, {'this': operation_id}).first()
    return OperationRow(*row) if row else None


def get(tx: sa.Connection, operation_id: str) -> OperationRow:
    found = find(tx, operation_id)
    if found is None:
        raise errors.NotFound(f'Operation {operation_id} could not be found.')
    return found


def of_server(tx: sa.Connection, server_id: str) -> list[OperationRow]:
    """All that was done to a server, newest first."""
    query = (
        sa.select(*_columns)
        .where(_operations.c.server_id == server_id)
        .order_by(_operations.c.created_at.desc(), _operations.c.id.desc())
    )
    return [OperationRow(*row) for row in tx.execute(query)]


def claim(
    tx: sa.Connection,
    operation_id: str,
    owner: str,
    lease_until: datetime.datetime,
    now: datetime.datetime,
) -> OperationRow | None:
    """Make a running operation `owner`'s, unless another conductor holds it; None then."""
    values = {'this': operation_id, 'holder': owner, 'ended': now, 'owner': owner, 'lease_until': lease_until}
    if tx.dialect.update_returning:
        row = tx.execute(_CLAIM_AND_FIND, values).first()
        return OperationRow(*row) if row else None
    return find(tx, operation_id) if tx.execute(_CLAIM, values).rowcount else None


def save(tx: sa.Connection, operation_id: str, owner: str, **columns: Any) -> bool:
    """Write some of the columns, in one statement; whether the operation was asked to stop. Raises LeaseLost."""
    values = columns | {'this': operation_id, 'holder': owner, 'updated_at': present()}
    if tx.dialect.update_returning:
        stop_requested = tx.execute(_SAVE_AND_TELL, values).scalar()
    else:
        result = tx.execute(_SAVE_AND_NUMBER, values)
        stop_requested = result.lastrowid == 2 if result.rowcount else None
    if stop_requested is None:
        raise _lease_lost(operation_id)
    return bool(stop_requested)


def close(
    tx: sa.Connection, operation_id: str, owner: str, status: str, unless_stopped: bool = False, **columns_last: Any
) -> bool:
    """End an operation, with a last change of columns. Raises LeaseLost.

    False, and nothing is changed, if it was asked to stop and `unless_stopped`.
    """
    at = present()
    values = columns_last | {
        'this': operation_id,
        'holder': owner,
        'status': status,
        'finished_at': at,
        'updated_at': at,
        'owner': None,
        # Until it has been told, where that is to be.
        'lease_until': columns_last.get('lease_until'),
        'activity': None,
    }
    if tx.execute(_CLOSE_UNLESS_STOPPED if unless_stopped else _CLOSE, values).rowcount:
        return True
    row = find(tx, operation_id) if unless_stopped else None
    if row and row.owner == owner and row.status == RUNNING:
        return False
    raise _lease_lost(operation_id)


def untold(tx: sa.Connection, now: datetime.datetime, limit: int = 100) -> list[str]:
    """Ids of operations that have ended, and whose end should have been told by now."""
    columns = _operations.c
    overdue = sa.select(columns.id).where(columns.status.in_((DONE, FAILED)), columns.lease_until < now)
    return list(tx.execute(overdue.limit(limit)).scalars())


def claim_untold(
    tx: sa.Connection, operation_id: str, until: datetime.datetime, now: datetime.datetime
) -> OperationRow | None:
    """The operation, to be told of by the caller until then; None if another conductor is about to."""
    columns = _operations.c
    overdue = sa.update(_operations).where(
        columns.id == operation_id, columns.status.in_((DONE, FAILED)), columns.lease_until < now
    )
    return find(tx, operation_id) if tx.execute(overdue.values(lease_until=until)).rowcount else None


def note_told(tx: sa.Connection, operation_ids: list[str]) -> None:
    columns = _operations.c
    told = sa.update(_operations).where(columns.id.in_(operation_ids), columns.status.in_((DONE, FAILED)))
    tx.execute(told.values(lease_until=None))


def renew(tx: sa.Connection, owner: str, lease_until: datetime.datetime) -> int:
    """Hold on to everything that `owner` runs; how many that is."""
    columns = _operations.c
    return tx.execute(
        sa.update(_operations).where(columns.owner == owner, columns.status == RUNNING).values(lease_until=lease_until)
    ).rowcount


def put_off(tx: sa.Connection, operation_id: str, owner: str, until: datetime.datetime) -> None:
    """Let go of an operation; it counts as an orphan from `until` on."""
    _let_go(tx, operation_id, owner, lease_until=until)


def release(tx: sa.Connection, owner: str, now: datetime.datetime) -> int:
    """Let go of everything that `owner` runs, for others to take over at once."""
    columns = _operations.c
    return tx.execute(
        sa.update(_operations)
        .where(columns.owner == owner, columns.status == RUNNING)
        .values(owner=None, lease_until=now)
    ).rowcount


def release_former(tx: sa.Connection, host: str, now: datetime.datetime) -> int:
    """Let go of what earlier conductors on a host ran; how many that was. Their owners are the host's name and more."""
    columns = _operations.c
    return tx.execute(
        sa.update(_operations)
        .where(columns.owner.startswith(f'{host}:', autoescape=True), columns.status == RUNNING)
        .values(owner=None, lease_until=now)
    ).rowcount


def stick(tx: sa.Connection, operation_id: str, owner: str) -> None:
    """Leave an operation as it is, because an undo keeps failing. Its server stays claimed."""
    _let_go(tx, operation_id, owner, lease_until=None, status=STUCK)


def give_up(tx: sa.Connection, operation_id: str) -> bool:
    """End an operation that is stuck, and leave all as it is; False if it is not stuck."""
    at = present()
    values = {'status': FAILED, 'finished_at': at, 'updated_at': at, 'activity': None}
    columns = _operations.c
    stuck = sa.update(_operations).where(columns.id == operation_id, columns.status == STUCK)
    return bool(tx.execute(stuck.values(values)).rowcount)


def unstick(tx: sa.Connection, stuck_since: datetime.datetime) -> int:
    """Have the operations tried again that have been stuck since before; how many those are."""
    at = present()
    columns = _operations.c
    return tx.execute(
        sa.update(_operations)
        .where(columns.status == STUCK, columns.updated_at < stuck_since)
        .values(status=RUNNING, lease_until=at, updated_at=at)
    ).rowcount


def orphans(
    tx: sa.Connection, now: datetime.datetime, unclaimed_since: datetime.datetime, limit: int = 100
) -> list[str]:
    """Ids of running operations whose lease is over, or that nobody has claimed since they were recorded; oldest first."""
    columns = _operations.c
    nobodys = sa.and_(columns.owner.is_(None), columns.lease_until.is_(None), columns.created_at < unclaimed_since)
    query = (
        sa.select(columns.id)
        .where(columns.status == RUNNING, sa.or_(columns.lease_until < now, nobodys))
        .order_by(columns.created_at)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def request_stop(tx: sa.Connection, server_id: str, shows: Activity | None = None) -> bool:
    """Ask the operation that a server is busy with to undo itself; False if there is none that can be asked.

    One that was stuck in its undoing is tried again.
    """
    columns = _operations.c
    values: dict[str, Any] = {'stop_requested': True, 'status': RUNNING}
    if shows is not None:
        values['activity'] = shows.value
    return bool(
        tx.execute(
            sa.update(_operations)
            .where(
                columns.server_id == server_id,
                columns.status.in_((RUNNING, STUCK)),
                columns.verb.not_in(_UNSTOPPABLE),
            )
            .values(**values)
        ).rowcount
    )


def waiting(tx: sa.Connection, server_id: str) -> list[OperationRow]:
    """The operations that are to begin when what is being done to the server has ended, oldest first."""
    columns = _operations.c
    found = tx.execute(
        sa.select(*_columns)
        .where(columns.server_id == server_id, columns.status == WAITING)
        .order_by(columns.created_at, columns.id)
    )
    return [OperationRow(*row) for row in found]


def refuse_waiting(tx: sa.Connection, operation_id: str) -> None:
    """Close an operation that waited in vain: the server is not in a state for it any more."""
    failure = {'kind': 'Conflict', 'text': 'The server changed before this could begin.', 'details': None}
    values = {'status': FAILED, 'failure': failure, 'finished_at': present(), 'updated_at': present()}
    tx.execute(sa.update(_operations).where(_operations.c.id == operation_id).values(values))


def begin_waiting(
    tx: sa.Connection, operation_id: str, parameters: dict[str, Any], deadline_at: datetime.datetime, verb: str
) -> None:
    """Let an operation that waited begin; what it acts on, and so how, may have changed meanwhile."""
    values = {
        'status': RUNNING,
        'verb': verb,
        'parameters': parameters,
        'deadline_at': deadline_at,
        'updated_at': present(),
    }
    tx.execute(sa.update(_operations).where(_operations.c.id == operation_id).values(values))


def past_deadline(tx: sa.Connection, now: datetime.datetime) -> int:
    """How many operations should have ended by now and have not."""
    columns = _operations.c
    query = sa.select(sa.func.count()).where(columns.status.in_((RUNNING, STUCK)), columns.deadline_at < now)
    return tx.execute(query).scalar_one()


def building(
    tx: sa.Connection,
    project_id: str | None = None,
    server_id: str | None = None,
    limit: int | None = None,
) -> list[Server]:
    """The servers that have no cell yet, newest first, made from the requests for them. For the API database only."""
    columns = _operations.c
    query = (
        sa.select(
            columns.id, columns.parameters, columns.activity, columns.status, columns.created_at, columns.updated_at
        )
        .join(server_mappings, server_mappings.c.server_id == columns.server_id)
        .where(columns.verb == 'create', columns.status.in_((RUNNING, STUCK)), server_mappings.c.cell_id.is_(None))
        .order_by(columns.created_at.desc(), columns.id.desc())
    )
    if project_id is not None:
        query = query.where(server_mappings.c.project_id == project_id)
    if server_id is not None:
        query = query.where(columns.server_id == server_id)
    return [_building(*row) for row in tx.execute(query.limit(limit) if limit else query)]


def request_of(tx: sa.Connection, server_id: str) -> ServerRequest | None:
    """What a server was asked for with, while the journal of its creation is kept. For the API database only."""
    columns = _operations.c
    query = sa.select(columns.parameters).where(columns.server_id == server_id, columns.verb == 'create')
    parameters = tx.execute(query.limit(1)).scalar()
    return record.load(ServerRequest, parameters['request']) if parameters else None


def _values(operation: OperationRow) -> dict[str, Any]:
    values = {column.name: getattr(operation, column.name) for column in _columns}
    values['created_at'] = values['created_at'] or present()
    return values


def _let_go(
    tx: sa.Connection, operation_id: str, owner: str, lease_until: datetime.datetime | None, status: str = RUNNING
) -> None:
    columns = _operations.c
    done = tx.execute(
        sa.update(_operations)
        .where(columns.id == operation_id, columns.owner == owner, columns.status == RUNNING)
        .values(owner=None, lease_until=lease_until, status=status, updated_at=present())
    ).rowcount
    if not done:
        raise _lease_lost(operation_id)


def _lease_lost(operation_id: str) -> errors.LeaseLost:
    return errors.LeaseLost(f'Operation {operation_id} is no longer held by this conductor.')


def _building(
    operation_id: str,
    parameters: dict[str, Any],
    activity: str | None,
    status: str,
    created_at: datetime.datetime,
    updated_at: datetime.datetime | None,
) -> Server:
    server = as_building(record.load(ServerRequest, parameters['request']), operation_id)
    if status == STUCK:
        return dataclasses.replace(server, state=State.ERROR, activity=None, updated_at=updated_at or created_at)
    return dataclasses.replace(
        server,
        activity=Activity(activity) if activity else server.activity,
        created_at=server.created_at or created_at,
        updated_at=updated_at or created_at,
    )
