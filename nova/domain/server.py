"""A server: what the user owns, wherever and whether it runs."""

import dataclasses
import datetime
import hashlib
from typing import Any

from nova.domain.block_device import BlockDevice
from nova.domain.flavor import Flavor
from nova.domain.image import Image
from nova.domain.keypair import KeyPair
from nova.domain.lifecycle import Activity, Power, State
from nova.domain.network import NetworkRequest, Port

OWNER, ADMIN = 'owner', 'admin'
# In the system metadata of a shelved server.
SHELVED_AT, SHELVED_IMAGE_ID, SHELVED_HOST = 'shelved_at', 'shelved_image_id', 'shelved_host'


@dataclasses.dataclass(frozen=True)
class Fault:
    """Why a server is in ERROR: `code` as an HTTP status, `message` for the user, `details` for administrators."""

    code: int
    message: str
    details: str | None = None
    created_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True)
class InjectedFile:
    """A file that the guest finds on its config drive. `contents` is base64."""

    path: str
    contents: str


@dataclasses.dataclass(frozen=True)
class ServerRequest:
    """What the user asked for when creating a server, checked and completed. It is data, so any conductor can build it."""

    server_id: str
    name: str
    hostname: str
    project_id: str
    user_id: str
    flavor: Flavor
    image_id: str | None = None
    # The image as it was at the time of the request.
    image: Image | None = None
    image_properties: dict[str, Any] = dataclasses.field(default_factory=dict)
    # None: do not touch the network; empty tuple: all that the project has (`auto`).
    networks: tuple[NetworkRequest, ...] | None = None
    security_groups: tuple[str, ...] = ()
    keypair: KeyPair | None = None
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)
    tags: tuple[str, ...] = ()
    description: str | None = None
    user_data: str | None = None
    config_drive: bool = False
    availability_zone: str | None = None
    # An administrator's choice: `zone:host:node`, or `host` and `hypervisor_hostname` from 2.74.
    host: str | None = None
    node: str | None = None
    # `zone:host` skips the filters; `host` from 2.74 does not.
    forced: bool = False
    access_ip_v4: str | None = None
    access_ip_v6: str | None = None
    disk_config: str = 'MANUAL'
    reservation_id: str | None = None
    launch_index: int = 0
    root_device_name: str | None = None
    trusted_image_certificates: tuple[str, ...] = ()
    scheduler_hints: dict[str, Any] = dataclasses.field(default_factory=dict)
    # Every disk of the server, that of the image and those of the flavor too.
    block_devices: tuple[BlockDevice, ...] = ()
    # For the guest alone; the journal forgets both when the server is made.
    admin_password: str | None = dataclasses.field(default=None, repr=False)
    files: tuple[InjectedFile, ...] = dataclasses.field(default=(), repr=False)
    created_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True)
class Server:
    """A server as it is now. Rows and requests become this; views are made from it."""

    id: str
    name: str
    hostname: str
    project_id: str
    user_id: str
    flavor: Flavor
    state: State
    activity: Activity | None = None
    power: Power = Power.NOSTATE
    # Unique in its cell; the hypervisor's name of the guest is made from it (`instance-%08x`). None while it has no cell.
    number: int | None = None
    cell_id: str | None = None
    host: str | None = None
    node: str | None = None
    launched_on: str | None = None
    operation_id: str | None = None
    image_id: str | None = None
    image_properties: dict[str, Any] = dataclasses.field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    security_groups: tuple[str, ...] = ()
    keypair: KeyPair | None = None
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)
    system_metadata: dict[str, str] = dataclasses.field(default_factory=dict)
    tags: tuple[str, ...] = ()
    description: str | None = None
    locked: bool = False
    locked_reason: str | None = None
    # OWNER or ADMIN: what an administrator locked, its owner cannot unlock.
    locked_by: str | None = None
    user_data: str | None = None
    config_drive: bool = False
    # The zone that the user asked for, if any; the zone of the host is known by the host.
    pinned_availability_zone: str | None = None
    availability_zone: str | None = None
    access_ip_v4: str | None = None
    access_ip_v6: str | None = None
    progress: int = 0
    disk_config: str = 'MANUAL'
    reservation_id: str | None = None
    launch_index: int = 0
    root_device_name: str | None = None
    trusted_image_certificates: tuple[str, ...] = ()
    scheduler_hints: dict[str, Any] = dataclasses.field(default_factory=dict)
    # The API database alone knows the group.
    group_id: str | None = None
    fault: Fault | None = None
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    launched_at: datetime.datetime | None = None
    terminated_at: datetime.datetime | None = None

    @property
    def deleted(self) -> bool:
        return self.state is State.DELETED

    @property
    def host_id(self) -> str:
        """What users see instead of the host's name: the same for one project's servers on one host."""
        return hashlib.sha224(f'{self.project_id}{self.host}'.encode()).hexdigest() if self.host else ''

    def guest_name(self, template: str = 'instance-%08x') -> str | None:
        return template % self.number if self.number is not None else None


def building(request: ServerRequest, operation_id: str | None = None) -> Server:
    """The server that a request describes, before any host has it."""
    return Server(
        id=request.server_id,
        name=request.name,
        hostname=request.hostname,
        project_id=request.project_id,
        user_id=request.user_id,
        flavor=request.flavor,
        state=State.BUILDING,
        activity=Activity.SCHEDULING,
        operation_id=operation_id,
        image_id=request.image_id,
        image_properties=request.image_properties,
        security_groups=request.security_groups,
        keypair=request.keypair,
        metadata=request.metadata,
        tags=request.tags,
        description=request.description,
        user_data=request.user_data,
        config_drive=request.config_drive,
        pinned_availability_zone=request.availability_zone,
        availability_zone=request.availability_zone,
        access_ip_v4=request.access_ip_v4,
        access_ip_v6=request.access_ip_v6,
        disk_config=request.disk_config,
        reservation_id=request.reservation_id,
        launch_index=request.launch_index,
        root_device_name=request.root_device_name,
        trusted_image_certificates=request.trusted_image_certificates,
        scheduler_hints=request.scheduler_hints,
        created_at=request.created_at,
    )
