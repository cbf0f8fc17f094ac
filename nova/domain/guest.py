"""A guest: a server's incarnation on one host, as that host needs to know it."""

import dataclasses
import datetime

from nova.domain.block_device import BlockDevice
from nova.domain.image import Image
from nova.domain.lifecycle import Power
from nova.domain.network import Port
from nova.domain.server import InjectedFile, Server


@dataclasses.dataclass(frozen=True)
class Guest:
    """All that a host needs to make the guest; nothing has to be asked for afterwards. `name` is the hypervisor's name of it."""

    name: str
    server: Server
    image: Image | None = None
    ports: tuple[Port, ...] = ()
    # Empty for a server that was made before its disks were noted: it has those of its flavor.
    block_devices: tuple[BlockDevice, ...] = ()
    # False: the image goes when the guest has been made, so its disk must need nothing of it.
    image_stays: bool = True
    # Only when it is made: what its config drive tells it, and nobody keeps.
    admin_password: str | None = dataclasses.field(default=None, repr=False)
    files: tuple[InjectedFile, ...] = dataclasses.field(default=(), repr=False)

    @property
    def id(self) -> str:
        return self.server.id

    @property
    def ephemeral_disks_gb(self) -> tuple[int, ...]:
        """The sizes of the empty disks that it gets besides the root disk."""
        if self.block_devices:
            return tuple(device.size or 0 for device in self.block_devices if device.is_ephemeral)
        return (self.server.flavor.ephemeral_gb,) if self.server.flavor.ephemeral_gb else ()

    def ephemeral_file_system(self, number: int) -> str | None:
        """What the user wants to find on the empty disk of this number; None for the usual."""
        wanted = [device.guest_format for device in self.block_devices if device.is_ephemeral]
        return wanted[number] if number < len(wanted) else None

    @property
    def swap_mb(self) -> int:
        if self.block_devices:
            return sum(device.size or 0 for device in self.block_devices if device.is_swap)
        return self.server.flavor.swap_mb


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
