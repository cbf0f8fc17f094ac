"""An address of an external network that stands for one of a server's own."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class FloatingIp:
    """`pool` is the name of the external network. Until it is associated it has no port, fixed address or server."""

    id: str
    address: str
    pool: str
    port_id: str | None = None
    fixed_ip: str | None = None
    server_id: str | None = None
