"""A verb on a server that has a guest on a host."""

import dataclasses
from typing import Any

from nova import errors
from nova.db.stores import block_devices, server_images, servers
from nova.domain.guest import Guest
from nova.domain.lifecycle import Power
from nova.domain.server import Server
from nova.operations import working_ports
from nova.operations.operation import Operation
from nova.saga.journal import Journal

# How often a host that does not answer is asked before the verb turns back.
PATIENCE = 3


@dataclasses.dataclass(frozen=True)
class GuestOperation(Operation):
    """Names the host when it begins: nothing but a move changes it, and a move holds the server meanwhile."""

    cell_id: str
    host: str

    def server(self, cloud: Any) -> Server:
        """The server as its cell has it now."""
        with cloud.databases.cell(self.cell_id).reading() as tx:
            return servers.get(tx, self.server_id)

    def guest(self, cloud: Any, **changes: Any) -> Guest:
        """All that the host needs to make the guest again. `changes` are of the server's fields."""
        with cloud.databases.cell(self.cell_id).reading() as tx:
            server = dataclasses.replace(servers.get(tx, self.server_id), cell_id=self.cell_id, **changes)
            image = server_images.find(tx, self.server_id)
            disks = tuple(block_devices.of_server(tx, self.server_id))
        working = working_ports.as_they_are(cloud, self.server_id, server.ports)
        return Guest(server.guest_name(cloud.instance_name_template), server, image, working, disks)

    def on_host(self, cloud: Any) -> Any:
        """The host's side of the Compute contract."""
        return cloud.compute(self.host, self.cell_id)

    def outcome(self, cloud: Any, journal: Journal) -> dict[str, Any]:
        """The power that the last step reports."""
        power = journal.result(self.steps[-1].name, Power)
        return {} if power is None else {'power': power}


def shutdown_timeout(server: Server) -> int | None:
    """How many seconds the server's image grants its system to shut down; None where the image does not say."""
    wanted = str(server.image_properties.get('os_shutdown_timeout', ''))
    return int(wanted) if wanted.isascii() and wanted.isdigit() else None


def with_guest(server: Server) -> dict[str, str]:
    """What each GuestOperation is made with; Conflict for a server that no host has."""
    if not server.host or server.cell_id is None:
        raise errors.Conflict(f'Instance {server.id} is not on a host.')
    return {'server_id': server.id, 'cell_id': server.cell_id, 'host': server.host}
