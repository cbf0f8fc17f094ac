"""Read and change aggregates of hosts, and the availability zones that some of them make."""

import dataclasses
import datetime
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
import sqlalchemy.exc

from nova import errors
from nova.db.tables.aggregates import aggregate_hosts, aggregates, untold_memberships
from nova.db.tables.cells import host_mappings
from nova.db.tables.types import now as present

ZONE = 'availability_zone'


@dataclasses.dataclass(frozen=True)
class Aggregate:
    """Hosts that belong together; what its metadata says holds for each of them."""

    id: int
    uuid: str
    name: str
    metadata: dict[str, str]
    hosts: tuple[str, ...] = ()
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None

    @property
    def availability_zone(self) -> str | None:
        return self.metadata.get(ZONE)


def listing(tx: sa.Connection) -> list[Aggregate]:
    """All aggregates with their hosts, in two statements."""
    return _read(tx)


def get(tx: sa.Connection, aggregate_id: int, locked: bool = False) -> Aggregate:
    """The aggregate; if `locked`, nobody else changes it until the transaction ends."""
    if locked:
        tx.execute(sa.select(aggregates.c.id).where(aggregates.c.id == aggregate_id).with_for_update()).all()
    found = _read(tx, aggregate_id)
    if not found:
        raise _not_found(aggregate_id)
    return found[0]


def zones(tx: sa.Connection) -> dict[str, str]:
    """The availability zone of each host that is in one."""
    return {
        host: aggregate.availability_zone
        for aggregate in listing(tx)
        if aggregate.availability_zone
        for host in aggregate.hosts
    }


def of_hosts(tx: sa.Connection) -> dict[str, tuple[dict[str, str], ...]]:
    """The metadata of the aggregates that each host is in."""
    found: dict[str, tuple[dict[str, str], ...]] = {}
    for aggregate in listing(tx):
        for host in aggregate.hosts:
            found[host] = (*found.get(host, ()), aggregate.metadata)
    return found


def create(
    tx: sa.Connection, name: str, metadata: dict[str, str] | None = None, known_as: str | None = None
) -> Aggregate:
    """A new aggregate, with a UUID that is known already or made here."""
    named = known_as or str(uuid.uuid4())
    values = {'uuid': named, 'name': name, 'metadata': dict(metadata or {}), 'created_at': present()}
    try:
        number = tx.execute(sa.insert(aggregates).values(values)).inserted_primary_key[0]
    except sqlalchemy.exc.IntegrityError as failure:
        raise errors.Conflict(f'Aggregate {name} already exists.') from failure
    return Aggregate(number, values['uuid'], name, values['metadata'], created_at=values['created_at'])


def change(tx: sa.Connection, aggregate_id: int, **fields: Any) -> None:
    """Change `name` or the whole of `metadata`."""
    try:
        changing = sa.update(aggregates).where(aggregates.c.id == aggregate_id).values(updated_at=present(), **fields)
        if not tx.execute(changing).rowcount:
            raise _not_found(aggregate_id)
    except sqlalchemy.exc.IntegrityError as failure:
        raise errors.Conflict(f'Aggregate {fields.get("name")} already exists.') from failure


class Untold(NamedTuple):
    """A membership that Placement may not know as it is: the numbers of its notes, and whether it holds now."""

    aggregate_uuid: str
    host: str
    notes: tuple[int, ...]
    holds: bool


def untold(tx: sa.Connection) -> list[Untold]:
    """The memberships that Placement is to be told of, oldest first, in one statement."""
    notes = untold_memberships.c
    holds = _present(notes.aggregate_uuid, notes.host).label('holds')
    found: dict[tuple[str, str], Untold] = {}
    query = sa.select(notes.id, notes.aggregate_uuid, notes.host, holds).order_by(notes.id)
    for number, aggregate_uuid, host, present_now in tx.execute(query):
        before = found.get((aggregate_uuid, host))
        numbers = (*before.notes, number) if before else (number,)
        found[aggregate_uuid, host] = Untold(aggregate_uuid, host, numbers, bool(present_now))
    return list(found.values())


def told(tx: sa.Connection, memberships: Sequence[Untold]) -> None:
    """Forget what Placement has been told, unless that is no longer so: then it is noted again.

    Somebody else may have told the newer state before we told the older one.
    """
    numbers = [number for membership in memberships for number in membership.notes]
    tx.execute(sa.delete(untold_memberships).where(untold_memberships.c.id.in_(numbers)))
    query = (
        sa.select(aggregates.c.uuid, aggregate_hosts.c.host)
        .join(aggregate_hosts, aggregate_hosts.c.aggregate_id == aggregates.c.id)
        .where(aggregate_hosts.c.host.in_({membership.host for membership in memberships}))
    )
    now = {tuple(row) for row in tx.execute(query)}
    for membership in memberships:
        if membership.holds != ((membership.aggregate_uuid, membership.host) in now):
            _note(tx, membership.aggregate_uuid, membership.host)


def hold(tx: sa.Connection, hosts: Sequence[str]) -> None:
    """Until the transaction ends, nobody else puts these hosts into aggregates; so they stay in one zone at most."""
    mapped = host_mappings.c
    tx.execute(sa.select(mapped.host).where(mapped.host.in_(hosts)).order_by(mapped.host).with_for_update()).all()


def remove(tx: sa.Connection, aggregate_id: int) -> None:
    """Remove an aggregate. Raises Invalid while it has hosts."""
    empty = ~sa.exists().where(aggregate_hosts.c.aggregate_id == aggregate_id)
    if tx.execute(sa.delete(aggregates).where(aggregates.c.id == aggregate_id, empty)).rowcount:
        return
    get(tx, aggregate_id)
    raise errors.Invalid(f'Cannot remove aggregate {aggregate_id}. Reason: Host aggregate is not empty.')


def add_host(tx: sa.Connection, aggregate_id: int, host: str) -> None:
    aggregate_uuid = _uuid(tx, aggregate_id)
    try:
        with tx.begin_nested():
            tx.execute(sa.insert(aggregate_hosts).values(aggregate_id=aggregate_id, host=host))
    except sqlalchemy.exc.IntegrityError as failure:
        raise errors.Conflict(f'Aggregate {aggregate_id} already has host {host}.') from failure
    _note(tx, aggregate_uuid, host)


def remove_host(tx: sa.Connection, aggregate_id: int, host: str) -> None:
    columns = aggregate_hosts.c
    gone = sa.delete(aggregate_hosts).where(columns.aggregate_id == aggregate_id, columns.host == host)
    if not tx.execute(gone).rowcount:
        raise errors.NotFound(f'Aggregate {aggregate_id} has no host {host}.')
    _note(tx, _uuid(tx, aggregate_id), host)


def _present(aggregate_uuid: Any, host: Any) -> sa.ColumnElement[bool]:
    """Whether the host is in the aggregate, as part of a query."""
    return (
        sa.exists()
        .where(
            aggregates.c.id == aggregate_hosts.c.aggregate_id,
            aggregates.c.uuid == aggregate_uuid,
            aggregate_hosts.c.host == host,
        )
        .correlate(untold_memberships)
    )


def _note(tx: sa.Connection, aggregate_uuid: str, host: str) -> None:
    tx.execute(sa.insert(untold_memberships).values(aggregate_uuid=aggregate_uuid, host=host))


def _uuid(tx: sa.Connection, aggregate_id: int) -> str:
    found = tx.execute(sa.select(aggregates.c.uuid).where(aggregates.c.id == aggregate_id)).scalar()
    if found is None:
        raise _not_found(aggregate_id)
    return found


def _read(tx: sa.Connection, aggregate_id: int | None = None) -> list[Aggregate]:
    columns = aggregates.c
    query = sa.select(
        columns.id, columns.uuid, columns.name, columns.metadata, columns.created_at, columns.updated_at
    ).order_by(columns.id)
    members = sa.select(aggregate_hosts.c.aggregate_id, aggregate_hosts.c.host).order_by(aggregate_hosts.c.host)
    if aggregate_id is not None:
        query = query.where(columns.id == aggregate_id)
        members = members.where(aggregate_hosts.c.aggregate_id == aggregate_id)
    rows = tx.execute(query).all()
    hosts: dict[int, list[str]] = {}
    if rows:
        for number, host in tx.execute(members):
            hosts.setdefault(number, []).append(host)
    return [
        Aggregate(number, its_uuid, name, metadata, tuple(hosts.get(number, ())), created_at, updated_at)
        for number, its_uuid, name, metadata, created_at, updated_at in rows
    ]


def _not_found(aggregate_id: int) -> errors.NotFound:
    return errors.NotFound(f'Aggregate {aggregate_id} could not be found.')
