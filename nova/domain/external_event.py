"""What other services tell about a server: a port was plugged, a volume has grown..."""

import dataclasses

NETWORK_CHANGED = 'network-changed'
PORT_PLUGGED = 'network-vif-plugged'
PORT_UNPLUGGED = 'network-vif-unplugged'
PORT_DELETED = 'network-vif-deleted'
VOLUME_EXTENDED = 'volume-extended'
POWER_UPDATE = 'power-update'
ACCELERATOR_BOUND = 'accelerator-request-bound'
VOLUME_REIMAGED = 'volume-reimaged'

# These say that what is known of a server's ports is out of date.
OF_PORTS = frozenset({NETWORK_CHANGED, PORT_DELETED})


@dataclasses.dataclass(frozen=True)
class ExternalEvent:
    """One event. `tag` is what it is about: a port's, a volume's or a request's id, or the new power."""

    name: str
    server_id: str
    status: str = 'completed'
    tag: str | None = None
