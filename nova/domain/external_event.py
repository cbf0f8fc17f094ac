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

# These change what is known of a server's ports; hosts are told of some when that is noted.
OF_PORTS = frozenset({NETWORK_CHANGED, PORT_PLUGGED, PORT_UNPLUGGED, PORT_DELETED})
FOR_HOSTS = frozenset({PORT_PLUGGED, PORT_DELETED})
# These say that more than a port's being wired has changed.
OUT_OF_DATE = frozenset({NETWORK_CHANGED, PORT_DELETED})

FAILED = 'failed'


@dataclasses.dataclass(frozen=True)
class ExternalEvent:
    """One event. `tag` is what it is about: a port's, a volume's or a request's id, or the new power."""

    name: str
    server_id: str
    status: str = 'completed'
    tag: str | None = None
