"""A guest: a server's incarnation on one host, as that host needs to know it."""

import dataclasses
import datetime

from nova.domain.image import Image
from nova.domain.lifecycle import Power
from nova.domain.network import Port
from nova.domain.server import Server


@dataclasses.dataclass(frozen=True)
class Guest:
    """All that a host needs to make the guest; nothing has to be asked for afterwards. `name` is the hypervisor's name of it."""

    name: str
    server: Server
    image: Image | None = None
    ports: tuple[Port, ...] = ()

    @property
    def id(self) -> str:
        return self.server.id


@dataclasses.dataclass(frozen=True)
class Observed:
    """A guest as its hypervisor reports it. `id` is the server's, None for a domain that is not one of ours."""

    id: str | None
    name: str
    power: Power


@dataclasses.dataclass(frozen=True)
class ConsoleAddress:
    """Where a guest's console listens, as seen from the proxies. `kind`: novnc, spice-html5, serial."""

    kind: str
    host: str
    port: int
    tls_port: int | None = None
    path: str | None = None


@dataclasses.dataclass(frozen=True)
class ConsoleGrant:
    """Leave to open one guest's console until `expires_at`. Only the hash of the token is kept."""

    server_id: str
    address: ConsoleAddress
    access_url_base: str
    expires_at: datetime.datetime
