"""Read and change aggregates of hosts, and the availability zones that some of them make."""

import dataclasses
import datetime
import uuid
from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc

from nova import errors
from nova.db.tables.aggregates import aggregate_hosts, aggregates
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


def get(tx: sa.Connection, aggregate_id: int) -> Aggregate:
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


def create(tx: sa.Connection, name: str, metadata: dict[str, str] | None = None) -> Aggregate:
    values = {'uuid': str(uuid.uuid4()), 'name': name, 'metadata': dict(metadata or {}), 'created_at': present()}
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


def remove(tx: sa.Connection, aggregate_id: int) -> None:
    if not tx.execute(sa.delete(aggregates).where(aggregates.c.id == aggregate_id)).rowcount:
        raise _not_found(aggregate_id)


def add_host(tx: sa.Connection, aggregate_id: int, host: str) -> None:
    if not tx.execute(sa.select(aggregates.c.id).where(aggregates.c.id == aggregate_id)).first():
        raise _not_found(aggregate_id)
    try:
        tx.execute(sa.insert(aggregate_hosts).values(aggregate_id=aggregate_id, host=host))
    except sqlalchemy.exc.IntegrityError as failure:
        raise errors.Conflict(f'Aggregate {aggregate_id} already has host {host}.') from failure


def remove_host(tx: sa.Connection, aggregate_id: int, host: str) -> None:
    columns = aggregate_hosts.c
    gone = sa.delete(aggregate_hosts).where(columns.aggregate_id == aggregate_id, columns.host == host)
    if not tx.execute(gone).rowcount:
        raise errors.NotFound(f'Aggregate {aggregate_id} has no host {host}.')


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
