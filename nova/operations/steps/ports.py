"""Have a server's ports, which it keeps, serve its guest on another host, or on none."""

import dataclasses
from typing import Any

from nova.domain.network import NetworkRequest, Port
from nova.domain.server import Server


def move(cloud: Any, server: Server, host: str, zone: str | None = None) -> tuple[Port, ...]:
    """The ports as they are on `host`; an empty one binds them to none. Doing it twice is as good as once."""
    if not server.ports:
        return ()
    moved = cloud.network.ensure_ports(
        cloud.context,
        server_id=server.id,
        host=host,
        hostname=server.hostname.partition('.')[0],
        project_id=server.project_id,
        requests=tuple(NetworkRequest(port_id=port.id, tag=port.tag) for port in server.ports),
        zone=zone or server.availability_zone or '',
        maybe_exists=True,
    )
    before = {port.id: port for port in server.ports}
    return tuple(
        dataclasses.replace(
            port,
            preserve_on_delete=before[port.id].preserve_on_delete,
            floating_ips=port.floating_ips or before[port.id].floating_ips,
        )
        for port in moved
    )
