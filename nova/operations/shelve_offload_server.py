"""Take a shelved server off its host: its image has all that is worth keeping."""

import dataclasses
from typing import Any, ClassVar

from nova.db.stores import guests, servers
from nova.domain.lifecycle import Activity, State
from nova.domain.network import Port
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.operations.operation import fault_of
from nova.operations.steps import ports
from nova.saga.journal import Journal
from nova.saga.step import Step

_KEPT = 'the image has all that was there; repeating it does no harm'


@dataclasses.dataclass(frozen=True)
class ShelveOffloadServer(GuestOperation):
    """Where it fails half way the server is still shelved, and its guest can be made anew on the same host."""

    guest_name: str | None = None

    verb: ClassVar[str] = 'shelve_offload'

    def remove_guest(self, cloud: Any, journal: Journal) -> None:
        self.on_host(cloud).remove_guest(cloud.context, server_id=self.server_id, guest_name=self.guest_name)

    def unbind_ports(self, cloud: Any, journal: Journal) -> tuple[Port, ...]:
        return ports.move(cloud, self.server(cloud), host='')

    def release_room(self, cloud: Any, journal: Journal) -> None:
        cloud.placement.release(self.server_id)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(remove_guest, permanent=_KEPT, shows=Activity.SHELVING_OFFLOADING, patience=PATIENCE),
        Step(unbind_ports, permanent=_KEPT),
        Step(release_room, permanent=_KEPT),
    )

    def finish(self, cloud: Any, journal: Journal, tx: Any) -> None:
        if failure := fault_of(journal, self.verb):
            servers.finish(tx, self.server_id, journal.operation_id, None, fault=failure)
            return
        guests.remove(tx, self.server_id)
        servers.finish(
            tx,
            self.server_id,
            journal.operation_id,
            State.SHELVED_OFFLOADED,
            host=None,
            node=None,
            availability_zone=servers.get(tx, self.server_id).pinned_availability_zone,
            ports=journal.result('unbind_ports', tuple[Port, ...]) or (),
        )
