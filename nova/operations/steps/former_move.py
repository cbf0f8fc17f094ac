"""Keep a resize that its user decides on no more: the server is what it is, and what was set aside is given up."""

from typing import Any

from nova.db.stores import migrations, servers
from nova.operations.steps import resized_room

KEPT = 'confirmed'


def settle(operation: Any, cloud: Any, but: str | None = None) -> None:
    """For an operation on a guest; `but` is a move that it knows of. Doing it twice is as good as once."""
    server_id, database = operation.server_id, cloud.databases.cell(operation.cell_id)
    with database.reading() as tx:
        former = migrations.undecided(tx, server_id)
    if former is None or former.id == but:
        return
    operation.on_host(cloud).forget_old_disks(cloud.context, server_id=server_id)
    cloud.placement.release(former.id)
    flavor = operation.server(cloud).flavor
    resized_room.set_quota(cloud, server_id, flavor)
    with database.writing() as tx:
        servers.hold_room(tx, server_id, (flavor,))
        migrations.set_status(tx, former.id, KEPT)
