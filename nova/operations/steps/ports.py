"""Have a server's ports, which it keeps, serve its guest on another host, or on none."""

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any

from nova import errors
from nova.domain.network import NetworkRequest, Port
from nova.domain.server import Server

LOG = logging.getLogger(__name__)


def move(cloud: Any, server: Server, host: str, zone: str | None = None) -> tuple[Port, ...]:
    """The ports as they are on `host`; an empty one binds them to none. Doing it twice is as good as once.

    A port that its owner has deleted meanwhile, or given to another server, is the server's no more.
    """
    if not server.ports:
        return ()
    known = server.ports
    try:
        moved = _bound(cloud, server, known, host, zone)
    except (errors.NotFound, errors.Conflict) as refusal:
        held = {port.id for port in cloud.network.ports_of(cloud.context, server.id)}
        known = tuple(port for port in server.ports if port.id in held)
        if known == server.ports:
            raise
        LOG.warning('Server %s goes on without the ports that it does not have any more: %s', server.id, refusal)
        moved = _bound(cloud, server, known, host, zone)
    return tuple(
        dataclasses.replace(
            port,
            preserve_on_delete=before.preserve_on_delete,
            floating_ips=port.floating_ips or before.floating_ips,
        )
        for before, port in zip(known, moved, strict=True)
    )


def _bound(cloud: Any, server: Server, ports: Sequence[Port], host: str, zone: str | None) -> tuple[Port, ...]:
    return cloud.network.ensure_ports(
        cloud.context,
        server_id=server.id,
        host=host,
        hostname=server.hostname.partition('.')[0],
        project_id=server.project_id,
        requests=tuple(NetworkRequest(port_id=port.id, tag=port.tag) for port in ports),
        zone=zone or server.availability_zone or '',
        maybe_exists=True,
    )
