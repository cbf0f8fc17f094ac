"""Read a server's ports anew, and tell its guest's host of them."""

import dataclasses
from typing import Any, ClassVar

from nova.db.stores import ports as port_store
from nova.domain.network import Port
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class InjectNetworkInfo(GuestOperation):
    """The guest itself learns of it by DHCP and from the metadata service, which show what the record says."""

    verb: ClassVar[str] = 'inject_network_info'

    def read_ports(self, cloud: Any, journal: Journal) -> None:
        fresh = {port.id: port for port in cloud.network.ports_of(cloud.context, self.server_id)}
        with cloud.databases.cell(self.cell_id).writing() as tx:
            known = port_store.of_server(tx, self.server_id, for_change=True)
            port_store.set_of_server(tx, self.server_id, [_as_found(port, fresh) for port in known])

    def describe_network(self, cloud: Any, journal: Journal) -> None:
        self.on_host(cloud).describe_network(cloud.context, guest=self.guest(cloud))

    steps: ClassVar[tuple[Step, ...]] = (
        Step(read_ports, permanent='the record then says what is the case'),
        Step(describe_network, permanent='the host then knows what is the case', patience=PATIENCE),
    )

    def outcome(self, cloud: Any, journal: Journal) -> dict[str, Any]:
        return {}


def _as_found(port: Port, fresh: dict[str, Port]) -> Port:
    found = fresh.get(port.id)
    return dataclasses.replace(found, tag=port.tag, preserve_on_delete=port.preserve_on_delete) if found else port
