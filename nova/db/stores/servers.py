"""Change servers: the only door to a new activity, its counterpart, and the small changes between."""

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc

from nova import errors
from nova.db.stores.server_rows import columns_of, room_of, values_of
from nova.db.stores.server_rows import find as find
from nova.db.stores.server_rows import get as get
from nova.db.stores.server_rows import listing as listing
from nova.db.stores.server_rows import names as names
from nova.db.tables.servers import server_faults, server_metadata, server_tags, servers
from nova.db.tables.types import now as present
from nova.domain import lifecycle
from nova.domain.flavor import Flavor
from nova.domain.lifecycle import Activity, Drift, Power, State, Transition, drift
from nova.domain.network import Port
from nova.domain.server import Fault, Server

MESSAGE_LENGTH = 255

# Made once, because putting a statement together takes longer than sending it. What an UPDATE sets comes with its
# parameters: those that are named like columns.
_CREATE = sa.insert(servers)
_UPDATE = sa.update(servers).where(servers.c.id == sa.bindparam('this'))
_UPDATE_FREE = _UPDATE.where(
    servers.c.state.in_(sa.bindparam('allowed', expanding=True)), servers.c.operation_id.is_(None)
)
_UPDATE_FREE_UNLOCKED = _UPDATE_FREE.where(servers.c.locked.is_(False))
_UPDATE_HELD = _UPDATE.where(servers.c.operation_id == sa.bindparam('holder'))
_UPDATE_HELD_BY_ANY = _UPDATE.where(servers.c.operation_id.is_not(None))
_UPDATE_LIVING = _UPDATE.where(servers.c.deleted.is_(False))
# ERROR is what a server shows whose creation can neither go on nor be undone.
_BUILDING = sa.select(servers.c.id).where(
    servers.c.id == sa.bindparam('this'),
    servers.c.state.in_((State.BUILDING.value, State.ERROR.value)),
    servers.c.operation_id.is_not(None),
)


def create(tx: sa.Connection, server: Server) -> int:
    """Give the server a record in this cell; its number there. Raises Conflict if it has one already."""
    try:
        number = tx.execute(_CREATE, values_of(server)).inserted_primary_key[0]
    except sqlalchemy.exc.IntegrityError as failure:
        raise errors.Conflict(f'Instance {server.id} exists already.') from failure
    _insert_metadata(tx, server.id, server.metadata)
    _insert_tags(tx, server.id, server.tags)
    if server.fault:
        add_fault(tx, server.id, server.fault, server.host)
    return number


def remove(tx: sa.Connection, server_id: str) -> None:
    """Take the record away as if it had never been. A server that its owner deletes is kept: see `finish`."""
    tx.execute(sa.delete(servers).where(servers.c.id == server_id))


def begin(
    tx: sa.Connection, server_id: str, transition: Transition, operation_id: str, may_override_lock: bool = False
) -> None:
    """Claim the server for one operation, or refuse. The database decides, so nobody races."""
    ignores_lock = transition.when_locked or may_override_lock
    values = {
        'this': server_id,
        'allowed': [state.value for state in transition.allowed],
        'operation_id': operation_id,
        'activity': transition.activity and transition.activity.value,
        'updated_at': present(),
    }
    if not tx.execute(_UPDATE_FREE if ignores_lock else _UPDATE_FREE_UNLOCKED, values).rowcount:
        raise _refusal(tx, server_id, transition, ignores_lock)


def finish(
    tx: sa.Connection,
    server_id: str,
    operation_id: str,
    state: State | None,
    power: Power | None = None,
    fault: Fault | None = None,
    **changes: Any,
) -> bool:
    """Let go of the server, in a new state or (None) in its old one. False if the operation did not hold it any more."""
    at = present()
    values = columns_of(changes) | {'operation_id': None, 'activity': None, 'updated_at': at}
    if state is not None:
        values['state'] = state.value
    if power is not None:
        values['power'] = power.value
    if state is State.DELETED:
        values |= {'deleted': True, 'deleted_at': at, 'power': Power.NOSTATE.value}
        values.setdefault('terminated_at', at)
    if not tx.execute(_UPDATE_HELD, values | {'this': server_id, 'holder': operation_id}).rowcount:
        return False
    if fault is not None:
        add_fault(tx, server_id, fault)
    return True


def show_activity(tx: sa.Connection, server_id: str, operation_id: str | None, activity: Activity) -> None:
    """Show what the operation is doing now; with None, whichever operation holds the server."""
    values = {'this': server_id, 'activity': activity.value, 'updated_at': present()}
    if operation_id is None:
        tx.execute(_UPDATE_HELD_BY_ANY, values)
    else:
        tx.execute(_UPDATE_HELD, values | {'holder': operation_id})


def show_stuck(tx: sa.Connection, server_id: str, operation_id: str, fault: Fault) -> None:
    """Show that the operation cannot go on. It holds on to the server, so that nothing else is done to it but a delete."""
    values = {'state': State.ERROR.value, 'activity': None, 'updated_at': present()}
    held = sa.update(servers).where(servers.c.id == server_id, servers.c.operation_id == operation_id)
    if tx.execute(held.values(values)).rowcount:
        add_fault(tx, server_id, fault)


def reset(tx: sa.Connection, server_id: str, state: State, given_up: str | None = None) -> None:
    """Show the server at rest in a state, whatever is done to it. `given_up` names an operation that holds it no more."""
    _change(tx, server_id, {'state': state.value, 'activity': None})
    if given_up is not None:
        tx.execute(_UPDATE_HELD, {'this': server_id, 'holder': given_up, 'operation_id': None})


def is_building(tx: sa.Connection, server_id: str) -> bool:
    """Whether an operation holds the server that may be creating it."""
    return tx.execute(_BUILDING, {'this': server_id}).first() is not None


def place(tx: sa.Connection, server_id: str, host: str | None, node: str | None, availability_zone: str | None) -> None:
    """Note which host has the server, or with None that none has."""
    values: dict[str, Any] = {'host': host, 'node': node, 'availability_zone': availability_zone}
    if host is not None:
        values['launched_on'] = host
    _change(tx, server_id, values)


def hold_room(tx: sa.Connection, server_id: str, flavors: Iterable[Flavor]) -> None:
    """Note that the server takes room on its host for each of these flavors, until another flavor is noted."""
    _change(tx, server_id, room_of(flavors))


def set_ports(
    tx: sa.Connection, server_id: str, ports: Sequence[Port], security_groups: Sequence[str] | None = None
) -> None:
    """Note the server's ports, and the names of their security groups unless those are the same as before."""
    groups = {} if security_groups is None else {'security_groups': tuple(security_groups)}
    _change(tx, server_id, columns_of({'ports': tuple(ports), **groups}))


def begin_spawning(tx: sa.Connection, server_id: str, ports: Sequence[Port], security_groups: Sequence[str]) -> None:
    """Note the ports of a new server, and show that its guest is made next, unless it is being deleted."""
    shown = servers.c.activity
    next_shown = sa.case((shown == Activity.NETWORKING.value, Activity.SPAWNING.value), else_=shown)
    noted = columns_of({'ports': tuple(ports), 'security_groups': tuple(security_groups)})
    living = sa.update(servers).where(servers.c.id == server_id, servers.c.deleted.is_(False))
    if not tx.execute(living.values({**noted, 'activity': next_shown, 'updated_at': present()})).rowcount:
        raise _not_found(server_id)


@dataclasses.dataclass(frozen=True)
class AtRest:
    """A server that nothing is being done to: its state, and when it was last changed."""

    state: State
    since: datetime.datetime


def at_rest(tx: sa.Connection, server_id: str, host: str) -> AtRest | None:
    """The server as it is on its host; None if it is not there, or something is being done to it."""
    this = (servers.c.id == server_id, servers.c.host == host, servers.c.deleted.is_(False))
    query = sa.select(servers.c.state, servers.c.updated_at).where(*this, servers.c.operation_id.is_(None))
    row = tx.execute(query).first()
    return row and AtRest(State(row.state), row.updated_at)


def set_power(
    tx: sa.Connection, server_id: str, host: str | None, power: Power, since: datetime.datetime | None = None
) -> Drift | None:
    """Note the power that `host` (or, with None, any) observed, and what follows from it for the server's state.

    None if the server is not there. While an operation holds the server, which knows better, only the power is noted.
    Errors: Conflict if the server was changed after `since`.
    """
    this = [servers.c.id == server_id, servers.c.deleted.is_(False)]
    if host is not None:
        this.append(servers.c.host == host)
    columns = (servers.c.state, servers.c.power, servers.c.operation_id, servers.c.updated_at)
    row = tx.execute(sa.select(*columns).where(*this)).first()
    if row is None:
        return None
    if since is not None and row.updated_at != since:
        raise errors.Conflict(f'Server {server_id} was changed meanwhile.')
    found = drift(State(row.state), power) if row.operation_id is None else Drift()
    values: dict[str, Any] = {}
    if row.power != power.value:
        values['power'] = power.value
    if found.state is not None:
        # Nobody may have done anything to the server since it was read.
        as_read = sa.and_(servers.c.operation_id.is_(None), servers.c.updated_at == row.updated_at)
        values['state'] = sa.case((as_read, found.state.value), else_=servers.c.state)
    if values:
        tx.execute(sa.update(servers).where(*this).values(**values, updated_at=present()))
    return found


def change(tx: sa.Connection, server_id: str, **fields: Any) -> None:
    """Change plain fields of a living server by their names in `Server`: name, description, access_ip_v4, locked..."""
    _change(tx, server_id, columns_of(fields))


def change_metadata(
    tx: sa.Connection, server_id: str, change: Callable[[dict[str, str]], dict[str, str]]
) -> dict[str, str]:
    """Make of a living server's metadata what `change` makes of it; what it is then. Nobody else changes it meanwhile."""
    _change(tx, server_id, {})
    columns = server_metadata.c
    known = dict(tx.execute(sa.select(columns.key, columns.value).where(columns.server_id == server_id)).all())
    wanted = change(known)
    gone = [key for key, value in known.items() if wanted.get(key) != value]
    if gone:
        tx.execute(sa.delete(server_metadata).where(columns.server_id == server_id, columns.key.in_(gone)))
    _insert_metadata(tx, server_id, {key: value for key, value in wanted.items() if known.get(key) != value})
    return wanted


def change_system_metadata(
    tx: sa.Connection, server_id: str, host: str | None, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    """Make of a server's system metadata what `change` makes of it, if it lives and is on `host`, or on any."""
    this_one = sa.update(servers).where(servers.c.id == server_id, servers.c.deleted.is_(False))
    if host is not None:
        this_one = this_one.where(servers.c.host == host)
    # The row is ours from here on; and a server that is gone meanwhile misses nothing.
    if tx.execute(this_one.values(updated_at=servers.c.updated_at)).rowcount:
        known = tx.execute(sa.select(servers.c.system_metadata).where(servers.c.id == server_id)).scalar_one()
        tx.execute(this_one.values(columns_of({'system_metadata': change(dict(known or {}))})))


def change_tags(
    tx: sa.Connection, server_id: str, change: Callable[[tuple[str, ...]], Iterable[str]]
) -> tuple[str, ...]:
    """Make of a living server's tags what `change` makes of them; those that it has then."""
    _change(tx, server_id, {})
    known = tuple(tx.execute(sa.select(server_tags.c.tag).where(server_tags.c.server_id == server_id)).scalars())
    wanted = tuple(dict.fromkeys(change(known)))
    gone = sorted(set(known) - set(wanted))
    if gone:
        tx.execute(sa.delete(server_tags).where(server_tags.c.server_id == server_id, server_tags.c.tag.in_(gone)))
    _insert_tags(tx, server_id, [tag for tag in wanted if tag not in known])
    return wanted


def add_fault(tx: sa.Connection, server_id: str, fault: Fault, host: str | None = None) -> None:
    tx.execute(
        sa.insert(server_faults).values(
            server_id=server_id,
            code=fault.code,
            message=fault.message[:MESSAGE_LENGTH],
            details=fault.details,
            host=host,
            created_at=fault.created_at or present(),
        )
    )


def count(tx: sa.Connection, deleted: bool | None = False) -> int:
    """How many servers this cell has."""
    query = sa.select(sa.func.count()).select_from(servers)
    return tx.execute(query if deleted is None else query.where(servers.c.deleted.is_(deleted))).scalar_one()


def taken(tx: sa.Connection, names: Iterable[str], project_id: str | None = None) -> set[str]:
    """Names of living servers, of a project or of all, that differ from one of these in small letters and capitals only."""
    asked = set(names)
    # SQLite's lower() knows ASCII only.
    same = sa.or_(servers.c.name.in_(asked), sa.func.lower(servers.c.name).in_({name.lower() for name in asked}))
    query = sa.select(servers.c.name).where(servers.c.deleted.is_(False), same)
    return set(tx.scalars(query if project_id is None else query.where(servers.c.project_id == project_id)))


def without_machine_type(tx: sa.Connection, recorded: str, named: str) -> list[str]:
    """The living servers of which neither their system metadata nor their image's properties tell a machine type."""
    columns = servers.c
    query = sa.select(columns.id, columns.system_metadata, columns.image_properties).where(columns.deleted.is_(False))
    found = tx.execute(query.order_by(columns.number))
    return [server_id for server_id, kept, image in found if not (kept or {}).get(recorded) and not image.get(named)]


def on_host(tx: sa.Connection, host: str) -> list[tuple[str, State]]:
    """The living servers of a host."""
    query = sa.select(servers.c.id, servers.c.state).where(servers.c.host == host, servers.c.deleted.is_(False))
    return [(server_id, State(state)) for server_id, state in tx.execute(query)]


def _change(tx: sa.Connection, server_id: str, values: dict[str, Any]) -> None:
    values.setdefault('updated_at', present())
    if not tx.execute(_UPDATE_LIVING, values | {'this': server_id}).rowcount:
        raise _not_found(server_id)


def _insert_metadata(tx: sa.Connection, server_id: str, metadata: dict[str, str]) -> None:
    if metadata:
        rows = [{'server_id': server_id, 'key': key, 'value': value} for key, value in metadata.items()]
        tx.execute(sa.insert(server_metadata), rows)


def _insert_tags(tx: sa.Connection, server_id: str, tags: Iterable[str]) -> None:
    rows = [{'server_id': server_id, 'tag': tag} for tag in dict.fromkeys(tags)]
    if rows:
        tx.execute(sa.insert(server_tags), rows)


def _refusal(tx: sa.Connection, server_id: str, transition: Transition, ignores_lock: bool) -> errors.Refused:
    row = tx.execute(
        sa.select(servers.c.state, servers.c.activity, servers.c.operation_id, servers.c.locked).where(
            servers.c.id == server_id
        )
    ).first()
    if row is None or row.state == State.DELETED.value:
        return _not_found(server_id)
    # That it could be interrupted is of no use here: nobody has done so.
    patient = dataclasses.replace(transition, takes_over=False, interrupts=frozenset())
    why = lifecycle.conflict(
        patient,
        server_id,
        State(row.state),
        Activity(row.activity) if row.activity else None,
        busy=row.operation_id is not None,
        locked=row.locked and not ignores_lock,
    )
    return errors.Conflict(why or f'Instance {server_id} changed in the meantime; try again.')


def _not_found(server_id: str) -> errors.NotFound:
    return errors.NotFound(f'Instance {server_id} could not be found.')
