"""Take a network interface from a server, while it runs."""

import contextlib
import dataclasses
from typing import Any, ClassVar

from nova import errors
from nova.db.stores import ports as port_store
from nova.db.stores import servers
from nova.domain.network import Port
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step

_ASKED_AGAIN = 'asked for again, it goes on from there; a guest that starts anew has all ports of the record'


@dataclasses.dataclass(frozen=True)
class DetachInterface(GuestOperation):
    """A port of the user's is given back; one of ours is deleted."""

    port: Port

    verb: ClassVar[str] = 'detach_interface'

    def unplug(self, cloud: Any, journal: Journal) -> None:
        # A guest that is gone has no interfaces.
        with contextlib.suppress(errors.NotFound):
            self.on_host(cloud).detach_interface(cloud.context, server_id=self.server_id, port_id=self.port.id)

    def release_port(self, cloud: Any, journal: Journal) -> None:
        cloud.network.release_ports(cloud.context, self.server_id, (self.port,))
        server = self.server(cloud)
        left = tuple(port for port in server.ports if port.id != self.port.id)
        names = cloud.network.group_names(left, server.security_groups)
        with cloud.databases.cell(self.cell_id).writing() as tx:
            known = port_store.of_server(tx, self.server_id, for_change=True)
            servers.set_ports(tx, self.server_id, [port for port in known if port.id != self.port.id], names)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(unplug, permanent=_ASKED_AGAIN, patience=PATIENCE),
        Step(release_port, permanent=_ASKED_AGAIN),
    )

    def outcome(self, cloud: Any, journal: Journal) -> dict[str, Any]:
        return {}
