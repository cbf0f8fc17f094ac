"""Turn server rows into servers and back, and read lists of them with a fixed number of statements."""

import functools
from collections.abc import Iterable
from typing import Any

import orjson
import sqlalchemy as sa

from nova import errors
from nova.db.stores.server_filters import after_marker, conditions, ordering
from nova.db.tables.servers import server_faults, server_metadata, server_tags, servers
from nova.db.tables.types import now as present
from nova.domain import record
from nova.domain.flavor import Flavor
from nova.domain.keypair import KeyPair
from nova.domain.lifecycle import Activity, Power, State
from nova.domain.network import Port
from nova.domain.queries import SORTABLE, Named, ServerQuery
from nova.domain.server import Fault, Server

# How many ids one statement names; a longer list is read in several.
IDS_AT_ONCE = 1000

# Fields of a server that are a column of the same name and type.
_PLAIN = (
    'number', 'cell_id', 'id', 'name', 'hostname', 'project_id', 'user_id', 'host', 'node', 'launched_on', 'operation_id',
    'image_id', 'description', 'locked', 'locked_reason', 'locked_by', 'user_data', 'config_drive',
    'pinned_availability_zone',
    'availability_zone', 'access_ip_v4', 'access_ip_v6', 'progress', 'disk_config', 'reservation_id', 'launch_index',
    'root_device_name', 'created_at', 'updated_at', 'launched_at', 'terminated_at',
)  # fmt: skip
_JSON = (
    'flavor', 'image_properties', 'ports', 'security_groups', 'keypair', 'system_metadata', 'trusted_image_certificates',
    'scheduler_hints',
)  # fmt: skip
_ENUMS = {'state': State, 'activity': Activity, 'power': Power}

# JSON columns are read as text, because many rows have the same one: a flavor is then made once, not once a row.
_selected = (
    *(servers.c[name] for name in _PLAIN),
    *(sa.type_coerce(servers.c[name], sa.Text).label(name) for name in _JSON),
    *(servers.c[name] for name in _ENUMS),
)
# Made once: putting so many columns together takes longer than many a statement.
_SELECT = sa.select(*_selected)
_FIND = _SELECT.where(servers.c.id == sa.bindparam('this'))
# Of metadata the key and the value, of tags None and the tag.
_BELONGINGS = sa.union_all(
    sa.select(server_metadata.c.server_id, server_metadata.c.key, server_metadata.c.value).where(
        server_metadata.c.server_id.in_(sa.bindparam('these', expanding=True))
    ),
    sa.select(server_tags.c.server_id, sa.null(), server_tags.c.tag).where(
        server_tags.c.server_id.in_(sa.bindparam('these', expanding=True))
    ),
)
_STATES = {state.value: state for state in State}
_ACTIVITIES = {activity.value: activity for activity in Activity} | {None: None}
_POWERS = {power.value: power for power in Power}
# Only these show why they failed.
_WITH_FAULT = (State.ERROR, State.DELETED)


def get(tx: sa.Connection, server_id: str) -> Server:
    found = find(tx, server_id)
    if found is None:
        raise errors.NotFound(f'Instance {server_id} could not be found.')
    return found


def find(tx: sa.Connection, server_id: str) -> Server | None:
    """The server, deleted ones too, or None if this cell has no record of it."""
    found = _with_belongings(tx, tx.execute(_FIND, {'this': server_id}).all())
    return found[0] if found else None


def listing(tx: sa.Connection, query: ServerQuery) -> list[Server]:
    """One page of servers in the query's order."""
    return _with_belongings(tx, tx.execute(_page(_SELECT, query)).all())


def names(tx: sa.Connection, query: ServerQuery) -> list[Named]:
    """As `listing`, without what a short list does not show."""
    order = [name for name, _direction in query.order()]
    columns = (servers.c[name].label(f'place_{number}') for number, name in enumerate(order))
    wanted = sa.select(servers.c.id, servers.c.name, *columns)
    return [
        Named(server_id, name, tuple(_or_default(*place) for place in zip(order, values, strict=True)))
        for server_id, name, *values in tx.execute(_page(wanted, query))
    ]


def _or_default(name: str, value: Any) -> Any:
    return SORTABLE[name] if value is None else value


def _page(wanted: sa.Select[Any], query: ServerQuery) -> sa.Select[Any]:
    wanted = wanted.where(*conditions(query)).order_by(*ordering(query))
    if query.marker is not None:
        wanted = wanted.where(after_marker(query))
    return wanted if query.limit is None else wanted.limit(query.limit)


def values_of(server: Server) -> dict[str, Any]:
    """The columns of a server that is new to its cell."""
    fields = {name: getattr(server, name) for name in (*_PLAIN, *_JSON, *_ENUMS)}
    del fields['number']
    at = present()
    fields['created_at'] = fields['created_at'] or at
    fields['updated_at'] = fields['updated_at'] or at
    return columns_of(fields) | {'deleted': server.deleted, 'deleted_at': at if server.deleted else None}


def columns_of(fields: dict[str, Any]) -> dict[str, Any]:
    """The columns that fields of a server are kept in."""
    unknown = fields.keys() - {*_PLAIN, *_JSON, *_ENUMS}
    if unknown:
        raise TypeError(f'A server has no columns for {sorted(unknown)}.')
    columns = {name: value for name, value in fields.items() if name in _PLAIN}
    columns |= {name: record.dump(fields[name]) for name in _JSON if name in fields}
    columns |= {name: record.dump(fields[name]) for name in _ENUMS if name in fields}
    if 'flavor' in fields:
        columns |= _room_of(fields['flavor'])
    if 'keypair' in fields:
        columns['key_name'] = fields['keypair'].name if fields['keypair'] else None
    if 'ports' in fields:
        columns |= _addresses_of(fields['ports'])
    return columns


def room_of(flavors: Iterable[Flavor]) -> dict[str, Any]:
    """The columns of what a server takes of its host, which has room for each of these flavors."""
    rooms = [_room_of(flavor) for flavor in flavors]
    return {name: sum(room[name] for room in rooms) for name in ('vcpus', 'memory_mb', 'disk_gb')}


def _room_of(flavor: Flavor) -> dict[str, Any]:
    disk_gb = flavor.disk_gb + flavor.ephemeral_gb + -(-flavor.swap_mb // 1024)
    return {'flavor_id': flavor.id, 'vcpus': flavor.vcpus, 'memory_mb': flavor.memory_mb, 'disk_gb': disk_gb}


def _addresses_of(ports: Iterable[Port]) -> dict[str, str | None]:
    fixed = [ip for port in ports for ip in port.fixed_ips]
    return {
        f'addresses_v{version}': '\n'.join(ip.address for ip in fixed if ip.version == version) or None
        for version in (4, 6)
    }


def _with_belongings(tx: sa.Connection, rows: list[Any]) -> list[Server]:
    ids = [row.id for row in rows]
    failed = [row.id for row in rows if _STATES[row.state] in _WITH_FAULT]
    metadata, tags = _read_metadata_and_tags(tx, ids)
    faults = _read_faults(tx, failed)
    return [_server(row, metadata.get(row.id, {}), tags.get(row.id, ()), faults.get(row.id)) for row in rows]


def _server(row: Any, metadata: dict[str, str], tags: Iterable[str], fault: Fault | None) -> Server:
    values = dict(zip(_PLAIN, row, strict=False))
    return Server(
        **values,
        flavor=_flavor(row.flavor),
        image_properties=_plain_object(row.image_properties),
        ports=_ports(row.ports),
        security_groups=_strings(row.security_groups),
        keypair=_keypair(row.keypair),
        system_metadata=_plain_object(row.system_metadata),
        trusted_image_certificates=_strings(row.trusted_image_certificates),
        scheduler_hints=_plain_object(row.scheduler_hints or '{}'),
        state=_STATES[row.state],
        activity=_ACTIVITIES[row.activity],
        power=_POWERS[row.power],
        metadata=metadata,
        tags=tuple(tags),
        fault=fault,
    )


@functools.lru_cache(maxsize=500)
def _flavor(text: str) -> Flavor:
    return record.load(Flavor, orjson.loads(text))


@functools.lru_cache(maxsize=500)
def _keypair(text: str | None) -> KeyPair | None:
    return record.load(KeyPair, orjson.loads(text)) if text else None


@functools.lru_cache(maxsize=500)
def _strings(text: str) -> tuple[str, ...]:
    return tuple(orjson.loads(text))


def _plain_object(text: str) -> dict[str, Any]:
    return {} if text == '{}' else orjson.loads(text)


def _ports(text: str) -> tuple[Port, ...]:
    return () if text == '[]' else record.load(tuple[Port, ...], orjson.loads(text))


def _pieces(ids: list[str]) -> Iterable[list[str]]:
    return (ids[start : start + IDS_AT_ONCE] for start in range(0, len(ids), IDS_AT_ONCE))


def _read_metadata_and_tags(
    tx: sa.Connection, ids: list[str]
) -> tuple[dict[str, dict[str, str]], dict[str, list[str]]]:
    metadata: dict[str, dict[str, str]] = {}
    tags: dict[str, list[str]] = {}
    for piece in _pieces(ids):
        for server_id, key, value in tx.execute(_BELONGINGS, {'these': piece}):
            if key is None:
                tags.setdefault(server_id, []).append(value)
            else:
                metadata.setdefault(server_id, {})[key] = value
    return metadata, {server_id: sorted(found) for server_id, found in tags.items()}


def _read_faults(tx: sa.Connection, ids: list[str]) -> dict[str, Fault]:
    found: dict[str, Fault] = {}
    columns = server_faults.c
    for piece in _pieces(ids):
        newest = sa.select(sa.func.max(columns.id)).where(columns.server_id.in_(piece)).group_by(columns.server_id)
        query = sa.select(columns.server_id, columns.code, columns.message, columns.details, columns.created_at)
        for server_id, *rest in tx.execute(query.where(columns.id.in_(newest))):
            found[server_id] = Fault(*rest)
    return found
