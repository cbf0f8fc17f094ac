"""Tell which of a server's ports work, before its host waits for those that do not."""

import dataclasses
import logging
from typing import Any

from nova import errors
from nova.domain.network import Port

LOG = logging.getLogger(__name__)


def as_they_are(cloud: Any, server_id: str, ports: tuple[Port, ...]) -> tuple[Port, ...]:
    """The ports; of those that are said not to work the network service is asked, for what it told may have been lost."""
    if not any(port.tells_when_wired for port in ports):
        return ports
    try:
        works = {port.id: port.active for port in cloud.network.ports_of(cloud.context, server_id)}
    except errors.NovaError as failure:
        LOG.info('Which ports of server %s work is not known just now: %s', server_id, failure)
        return ports
    return tuple(dataclasses.replace(port, active=works.get(port.id, port.active)) for port in ports)
