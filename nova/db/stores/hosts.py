"""Keep what hosts report, and tell what is claimed on them."""

import datetime
from collections.abc import Collection
from typing import Any, NamedTuple

import sqlalchemy as sa
import sqlalchemy.exc

from nova import errors
from nova.db.stores import services as service_store
from nova.db.tables.guests import guests
from nova.db.tables.hosts import hosts
from nova.db.tables.servers import servers
from nova.db.tables.services import services
from nova.domain import record
from nova.domain.host import Host, HostReport, Inventory

# Columns that a report fills under the same name.
_REPORTED = (
    'node_id', 'hypervisor_type', 'hypervisor_version', 'inventory', 'traits', 'host_ip', 'cpu_info',
    'supported_instances', 'uptime', 'free_disk_gb', 'free_memory_mb', 'disk_available_least', 'running_guests',
    'started_at', 'trouble',
)  # fmt: skip
_AS_THEY_ARE = ('started_at',)


class Claimed(NamedTuple):
    """What the servers of a host take."""

    vcpus: int = 0
    memory_mb: int = 0
    disk_gb: int = 0
    servers: int = 0


def report(tx: sa.Connection, report: HostReport, at: datetime.datetime, enabled: bool = True) -> None:
    """Keep a host's whole report; a sign of life, too. `enabled` says whether a host that is new may be used at once."""
    service_store.alive(tx, report.host, service_store.COMPUTE, 'compute', at=at, enabled=enabled)
    values = {
        name: getattr(report, name) if name in _AS_THEY_ARE else record.dump(getattr(report, name))
        for name in _REPORTED
    }
    values['updated_at'] = at
    if _update(tx, report, values):
        return
    try:
        with tx.begin_nested():
            tx.execute(sa.insert(hosts).values(host=report.host, node=report.node, created_at=at, **values))
    except sqlalchemy.exc.IntegrityError as failure:
        if not _update(tx, report, values):
            raise errors.Conflict(
                f'Host {report.host} reports the node id {report.node_id}, which another host has; '
                'remove the copied compute_id file on one of them.'
            ) from failure


def alive(tx: sa.Connection, host: str, at: datetime.datetime) -> bool:
    """Note a sign of life, in one statement; False if the host is not known and should send a whole report."""
    known = sa.exists().where(hosts.c.host == host)
    this = (services.c.host == host, services.c.binary == service_store.COMPUTE, known)
    return bool(tx.execute(sa.update(services).where(*this).values(seen_at=at)).rowcount)


def listing(tx: sa.Connection, cell_id: str | None = None) -> list[Host]:
    """All hosts with what is claimed on them, in two statements. Zones and aggregates are the API database's to tell."""
    return _read(tx, cell_id)


def page(tx: sa.Connection, cell_id: str | None, after: int | None, limit: int | None) -> list[Host]:
    """The hosts that come after the one with this number, with what is claimed on them, in two statements."""
    return _read(tx, cell_id, *([] if after is None else [hosts.c.id > after]), limit=limit)


def matching(tx: sa.Connection, cell_id: str | None, pattern: str) -> list[Host]:
    """The hosts with a part of this in the names of their nodes."""
    return _read(tx, cell_id, hosts.c.node.contains(pattern, autoescape=True))


def by_number(tx: sa.Connection, number: int, cell_id: str | None = None) -> Host | None:
    found = _read(tx, cell_id, hosts.c.id == number, limit=1)
    return found[0] if found else None


def changed_since(tx: sa.Connection, cell_id: str | None, since: datetime.datetime) -> list[Host]:
    """The hosts that have reported, shown a sign of life, or been enabled or disabled since."""
    return _read(
        tx,
        cell_id,
        sa.or_(hosts.c.updated_at >= since, services.c.seen_at >= since, services.c.updated_at >= since),
    )


def get(tx: sa.Connection, host: str, cell_id: str | None = None) -> Host:
    found = _read(tx, cell_id, hosts.c.host == host, limit=1)
    if not found:
        raise errors.NotFound(f'Compute host {host} could not be found.')
    return found[0]


def address(tx: sa.Connection, host: str) -> str | None:
    """Where a host has said that it can be reached; None if it has not, or is not known."""
    return tx.execute(sa.select(hosts.c.host_ip).where(hosts.c.host == host).limit(1)).scalar()


def by_node_id(tx: sa.Connection, node_id: str, cell_id: str | None = None) -> Host | None:
    """The host whose resource provider, and hypervisor id in the API, this is."""
    found = _read(tx, cell_id, hosts.c.node_id == node_id, limit=1)
    return found[0] if found else None


def claimed(tx: sa.Connection, only: Collection[str] | None = None) -> dict[str, Claimed]:
    """What the living servers take of each host, or of these, in one statement."""
    query = (
        sa.select(
            servers.c.host,
            sa.func.sum(servers.c.vcpus),
            sa.func.sum(servers.c.memory_mb),
            sa.func.sum(servers.c.disk_gb),
            sa.func.count(),
        )
        .where(servers.c.deleted.is_(False), servers.c.host.is_not(None) if only is None else servers.c.host.in_(only))
        .group_by(servers.c.host)
    )
    return {host: Claimed(*(int(number) for number in sums)) for host, *sums in tx.execute(query)}


def claimed_by_project(tx: sa.Connection, host: str) -> dict[str, Claimed]:
    """What each project's living servers take of one host, by project."""
    columns = servers.c
    sums = (sa.func.sum(column) for column in (columns.vcpus, columns.memory_mb, columns.disk_gb))
    query = (
        sa.select(columns.project_id, *sums, sa.func.count())
        .where(columns.deleted.is_(False), columns.host == host)
        .group_by(columns.project_id)
        .order_by(columns.project_id)
    )
    return {project: Claimed(*(int(number) for number in sums)) for project, *sums in tx.execute(query)}


def servers_on(tx: sa.Connection, host_names: Collection[str]) -> list[tuple[str, str, str]]:
    """(host, id, name) of the living servers of these hosts, newest first, in one statement."""
    if not host_names:
        return []
    columns = servers.c
    query = (
        sa.select(columns.host, columns.id, columns.name)
        .where(columns.deleted.is_(False), columns.host.in_(sorted(host_names)))
        .order_by(columns.created_at.desc(), columns.id.desc())
    )
    return [(host, server_id, name) for host, server_id, name in tx.execute(query)]


def of_servers(tx: sa.Connection, server_ids: Collection[str]) -> dict[str, frozenset[str]]:
    """The hosts that have, or are getting, a guest of each of these living servers, in one statement."""
    if not server_ids:
        return {}
    columns = servers.c
    query = (
        sa.select(columns.id, columns.host, guests.c.host)
        .outerjoin(guests, sa.and_(guests.c.server_id == columns.id, guests.c.abandoned_at.is_(None)))
        .where(columns.deleted.is_(False), columns.id.in_(sorted(server_ids)))
    )
    found: dict[str, set[str]] = {}
    for server_id, *on in tx.execute(query):
        found.setdefault(server_id, set()).update(host for host in on if host)
    return {server_id: frozenset(on) for server_id, on in found.items()}


def seen(tx: sa.Connection) -> dict[str, datetime.datetime]:
    """When each host last showed a sign of life."""
    query = sa.select(services.c.host, services.c.seen_at).where(
        services.c.binary == service_store.COMPUTE, services.c.seen_at.is_not(None)
    )
    return dict(tx.execute(query).all())


def names(tx: sa.Connection) -> list[str]:
    """The hosts that have reported themselves to this cell."""
    return list(tx.execute(sa.select(hosts.c.host).distinct().order_by(hosts.c.host)).scalars())


def node_ids(tx: sa.Connection, host: str) -> list[str]:
    """The ids of a host's nodes, which are also those of its resource providers."""
    return list(tx.execute(sa.select(hosts.c.node_id).where(hosts.c.host == host).order_by(hosts.c.id)).scalars())


def with_servers(tx: sa.Connection, among: Collection[str]) -> set[str]:
    """Those of the hosts that have living servers."""
    query = sa.select(servers.c.host).where(servers.c.host.in_(among), servers.c.deleted.is_(False)).distinct()
    return set(tx.execute(query).scalars())


def has_node(tx: sa.Connection, node: str, host: str | None = None) -> bool:
    """Whether this cell has a node of that name, on a certain host if that is given."""
    query = sa.select(hosts.c.id).where(hosts.c.node == node)
    return tx.execute(query if host is None else query.where(hosts.c.host == host)).first() is not None


def remove(tx: sa.Connection, host: str) -> None:
    """Forget a host and its nova-compute. Both come back when it reports again."""
    tx.execute(sa.delete(hosts).where(hosts.c.host == host))
    tx.execute(sa.delete(services).where(services.c.host == host, services.c.binary == service_store.COMPUTE))


def _update(tx: sa.Connection, report: HostReport, values: dict[str, Any]) -> bool:
    this = (hosts.c.host == report.host, hosts.c.node == report.node)
    try:
        with tx.begin_nested():
            return bool(tx.execute(sa.update(hosts).where(*this).values(values)).rowcount)
    except sqlalchemy.exc.IntegrityError:
        return False


def _read(
    tx: sa.Connection, cell_id: str | None, *wanted: sa.ColumnElement[bool], limit: int | None = None
) -> list[Host]:
    query = (
        sa.select(
            hosts,
            services.c.id.label('service_id'),
            services.c.uuid.label('service_uuid'),
            services.c.enabled,
            services.c.disabled_reason,
            services.c.forced_down,
            services.c.seen_at,
        )
        .outerjoin(services, sa.and_(services.c.host == hosts.c.host, services.c.binary == service_store.COMPUTE))
        .where(*wanted)
        .order_by(hosts.c.id)
        .limit(limit)
    )
    rows = tx.execute(query).all()
    names = {row.host for row in rows}
    all_of_them = (limit is None and not wanted) or len(names) > service_store.HOSTS_AT_ONCE
    claims = claimed(tx, None if all_of_them else names) if rows else {}
    return [_host(row, cell_id, claims.get(row.host, Claimed())) for row in rows]


def _host(row: Any, cell_id: str | None, claims: Claimed) -> Host:
    return Host(
        name=row.host,
        node=row.node,
        node_id=row.node_id,
        cell_id=cell_id,
        inventory=record.load(Inventory, row.inventory),
        hypervisor_type=row.hypervisor_type,
        hypervisor_version=row.hypervisor_version,
        traits=tuple(row.traits),
        supported_instances=tuple(tuple(triple) for triple in row.supported_instances),
        host_ip=row.host_ip,
        cpu_info=row.cpu_info,
        uptime=row.uptime,
        disk_available_least=row.disk_available_least,
        running_guests=row.running_guests,
        claimed_vcpus=claims.vcpus,
        claimed_memory_mb=claims.memory_mb,
        claimed_disk_gb=claims.disk_gb,
        servers=claims.servers,
        enabled=row.enabled is not False,
        disabled_reason=row.disabled_reason,
        forced_down=bool(row.forced_down),
        seen_at=row.seen_at,
        trouble=row.trouble,
        number=row.id,
        service_id=row.service_id,
        service_uuid=row.service_uuid,
    )
