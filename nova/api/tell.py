"""Tell of what the API did at once, where a notification needs more than the handler has read."""

from typing import Any

from nova.api.request import Request
from nova.db.stores import block_devices, flavors, server_groups
from nova.db.stores.aggregates import Aggregate
from nova.domain.notifications import payloads
from nova.domain.notifications import servers as server_payloads
from nova.domain.notifications.servers import UPDATE, Kind
from nova.domain.server import Server
from nova.domain.usage_audit import last_period


def flavor_changed(request: Request, flavor_id: str) -> None:
    """After the change is committed."""

    def read() -> dict[str, Any]:
        with request.databases.api.reading() as tx:
            return payloads.flavor(flavors.get(tx, flavor_id), flavors.accesses(tx, flavor_id))

    request.tell('flavor.update', read)


def group_joined(request: Request, group_id: str | None) -> None:
    """That servers joined a group; with None, none did."""

    def read() -> dict[str, Any]:
        with request.databases.api.reading() as tx:
            return payloads.server_group(server_groups.get(tx, group_id))

    if group_id:
        request.tell('server_group.add_member', read)


def aggregate(request: Request, event: str, aggregate: Aggregate | None, **changes: Any) -> None:
    """`event` of an aggregate that was read because somebody listens; `changes` are what it is about to become."""
    if aggregate is not None:
        request.tell(f'aggregate.{event}', payloads.aggregate, aggregate, **changes)


def server(request: Request, event_type: str, server: Server, kind: Kind, **facts: Any) -> None:
    """What a server has become. Its disks are read if they are wished for."""

    def read() -> dict[str, Any]:
        disks: list[Any] = []
        if request.services.notifier.wishes.with_disks:
            with request.databases.cell(server.cell_id).reading() as tx:
                disks = block_devices.of_server(tx, server.id)
        return server_payloads.payload(kind, server, request.context, disks, **facts)

    request.tell(event_type, read)


def server_changed(request: Request, before: Server, after: Server) -> None:
    """That a server's name, description, metadata or tags are others than before; not its state."""
    if not request.is_heard:
        return
    wishes, now = request.services.notifier.wishes, request.services.clock()
    server(
        request,
        'instance.update',
        after,
        UPDATE,
        old_display_name=before.name if before.name != after.name else None,
        state_update=server_payloads.state_update(before.state, after.state, before.activity, after.activity),
        audit_period=payloads.audit_period(last_period(wishes.audit_period, now)[1], now),
    )
