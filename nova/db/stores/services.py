"""Note where daemons run, whether they are enabled, and when they were last seen."""

import datetime
import uuid
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc

from nova import errors
from nova.db.tables.hosts import hosts
from nova.db.tables.services import services
from nova.db.tables.types import now as present
from nova.domain.host import Service

COMPUTE = 'nova-compute'
# Begins the reason of what was disabled by its host's own word, and not by an administrator.
AUTOMATIC = 'AUTO: '
LONGEST_REASON = 255
# How many hosts one statement names; a longer list is read in several.
HOSTS_AT_ONCE = 1000
_NAMES = (
    'id', 'uuid', 'host', 'binary', 'topic', 'version', 'enabled', 'disabled_reason', 'forced_down', 'seen_at',
    'created_at', 'updated_at',
)  # fmt: skip
_columns = tuple(services.c[name] for name in _NAMES)


def alive(
    tx: sa.Connection,
    host: str,
    binary: str,
    topic: str,
    version: int = 0,
    at: datetime.datetime | None = None,
    enabled: bool = True,
) -> None:
    """Note a sign of life of a daemon, in one statement once it is known."""
    at = at or present()
    if _seen(tx, host, binary, version, at):
        return
    try:
        with tx.begin_nested():
            tx.execute(
                sa.insert(services).values(
                    uuid=str(uuid.uuid4()),
                    host=host,
                    binary=binary,
                    topic=topic,
                    version=version,
                    enabled=enabled,
                    forced_down=False,
                    seen_at=at,
                    created_at=at,
                )
            )
    except sqlalchemy.exc.IntegrityError:
        _seen(tx, host, binary, version, at)


def find(tx: sa.Connection, host: str, binary: str, cell_id: str | None = None) -> Service | None:
    query = sa.select(*_columns).where(services.c.host == host, services.c.binary == binary)
    row = tx.execute(query).first()
    return _service(row, cell_id) if row else None


def get(tx: sa.Connection, service_id: int | str, cell_id: str | None = None) -> Service:
    """The service with this number in its cell, or this UUID."""
    row = tx.execute(sa.select(*_columns).where(_this(service_id))).first()
    if row is None:
        raise _not_found(service_id)
    return _service(row, cell_id)


def listing(
    tx: sa.Connection, cell_id: str | None = None, host: str | None = None, binary: str | None = None
) -> list[Service]:
    query = sa.select(*_columns).order_by(services.c.id)
    if host is not None:
        query = query.where(services.c.host == host)
    if binary is not None:
        query = query.where(services.c.binary == binary)
    return [_service(row, cell_id) for row in tx.execute(query)]


def of_hosts(tx: sa.Connection, hosts: Iterable[str], binary: str) -> list[Service]:
    """The records of one kind of daemon on these hosts."""
    named = sorted(hosts)
    found = []
    for start in range(0, len(named), HOSTS_AT_ONCE):
        these = services.c.host.in_(named[start : start + HOSTS_AT_ONCE])
        query = sa.select(*_columns).where(services.c.binary == binary, these)
        found += [_service(row, None) for row in tx.execute(query)]
    return found


def change(tx: sa.Connection, service_id: int | str, **fields: Any) -> None:
    """Change enabled, disabled_reason, forced_down. Enabling takes the reason away."""
    if fields.get('enabled'):
        fields['disabled_reason'] = None
    done = tx.execute(sa.update(services).where(_this(service_id)).values(updated_at=present(), **fields)).rowcount
    if not done:
        raise _not_found(service_id)


def follow(tx: sa.Connection, host: str, trouble: str | None) -> bool:
    """Disable the host's nova-compute while it is in trouble, and enable it again; whether that changed anything.

    What an administrator has disabled stays so.
    """
    this = (services.c.host == host, services.c.binary == COMPUTE)
    which: tuple[sa.ColumnElement[bool], ...] = (services.c.enabled.is_(True),)
    values = {'enabled': False, 'disabled_reason': f'{AUTOMATIC}{trouble}'[:LONGEST_REASON]}
    if trouble is None:
        which = (services.c.enabled.is_(False), services.c.disabled_reason.startswith(AUTOMATIC, autoescape=True))
        values = {'enabled': True, 'disabled_reason': None}
    done = tx.execute(sa.update(services).where(*this, *which).values(updated_at=present(), **values))
    return bool(done.rowcount)


def remove(tx: sa.Connection, service_id: int | str) -> None:
    """Forget a daemon; with nova-compute also its host. It comes back when the daemon reports again."""
    service = get(tx, service_id)
    tx.execute(sa.delete(services).where(services.c.id == service.id))
    if service.binary == COMPUTE:
        tx.execute(sa.delete(hosts).where(hosts.c.host == service.host))


def _seen(tx: sa.Connection, host: str, binary: str, version: int, at: datetime.datetime) -> bool:
    this = (services.c.host == host, services.c.binary == binary)
    return bool(tx.execute(sa.update(services).where(*this).values(seen_at=at, version=version)).rowcount)


def _this(service_id: int | str) -> sa.ColumnElement[bool]:
    return services.c.id == service_id if isinstance(service_id, int) else services.c.uuid == service_id


def _service(row: Any, cell_id: str | None) -> Service:
    return Service(**dict(zip(_NAMES, row, strict=True)), cell_id=cell_id)


def _not_found(service_id: int | str) -> errors.NotFound:
    return errors.NotFound(f'Service {service_id} could not be found.')
