"""Keep the disks that servers were asked to have."""

import dataclasses
import uuid
from collections.abc import Iterable

import sqlalchemy as sa

from nova.db.tables.block_devices import block_devices
from nova.db.tables.types import now as present
from nova.domain.block_device import BLANK, IMAGE, LOCAL, BlockDevice

_FIELDS = tuple(field.name for field in dataclasses.fields(BlockDevice))
_CREATE = sa.insert(block_devices)
_SET_ROOT_IMAGE = sa.update(block_devices).where(
    block_devices.c.server_id == sa.bindparam('this'),
    block_devices.c.boot_index == 0,
    block_devices.c.source_type == IMAGE,
)
_FIND = (
    sa.select(block_devices.c.server_id, *(block_devices.c[name] for name in _FIELDS))
    .where(block_devices.c.server_id.in_(sa.bindparam('these', expanding=True)))
    .order_by(block_devices.c.number)
)


def create(tx: sa.Connection, server_id: str, devices: Iterable[BlockDevice]) -> None:
    """Note a server's disks, in their order; each gets an id."""
    at = present()
    rows = [
        {name: getattr(device, name) for name in _FIELDS}
        | {'id': device.id or str(uuid.uuid4()), 'server_id': server_id, 'created_at': at}
        for device in devices
    ]
    if rows:
        tx.execute(_CREATE, rows)


def replace_made_by_host(tx: sa.Connection, server_id: str, devices: Iterable[BlockDevice]) -> None:
    """Note other empty disks that the host makes, in place of those noted before."""
    columns = block_devices.c
    made = (columns.server_id == server_id, columns.source_type == BLANK, columns.destination_type == LOCAL)
    tx.execute(sa.delete(block_devices).where(*made))
    create(tx, server_id, devices)


def of_servers(tx: sa.Connection, server_ids: Iterable[str]) -> dict[str, list[BlockDevice]]:
    """The disks of each server that has any, in one statement."""
    found: dict[str, list[BlockDevice]] = {}
    for server_id, *values in tx.execute(_FIND, {'these': list(server_ids)}):
        found.setdefault(server_id, []).append(BlockDevice(**dict(zip(_FIELDS, values, strict=True))))
    return found


def of_server(tx: sa.Connection, server_id: str) -> list[BlockDevice]:
    return of_servers(tx, [server_id]).get(server_id, [])


def set_root_image(tx: sa.Connection, server_id: str, image_id: str) -> None:
    """Note that the server's root disk is made from another image."""
    tx.execute(_SET_ROOT_IMAGE, {'this': server_id, 'image_id': image_id})
