"""Shelve a server: switch its guest off and keep what is on its disk as an image."""

import contextlib
import dataclasses
from typing import Any, ClassVar

from nova import errors
from nova.db.stores import servers
from nova.domain.lifecycle import Activity, Power, State
from nova.domain.server import SHELVED_AT, SHELVED_HOST, SHELVED_IMAGE_ID
from nova.domain.snapshot import Quiesce
from nova.operations import start
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.operations.operation import fault_of
from nova.operations.shelve_offload_server import ShelveOffloadServer
from nova.operations.steps.snapshot import image_step, snapshot_steps
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class ShelveServer(GuestOperation):
    """`before` is the server's state when it is shelved. A server that boots from a volume has no `image_id`."""

    before: State
    image_id: str | None = None
    timeout: int | None = None
    # Of the time that it was shelved before, if that could not be removed then.
    former_image_id: str | None = None

    verb: ClassVar[str] = 'shelve'
    # A guest that is off has its disk in order.
    quiesce: ClassVar[Quiesce] = Quiesce.NO

    def remove_former_image(self, cloud: Any, journal: Journal) -> None:
        cloud.images.remove(self.former_image_id)

    def shut_down(self, cloud: Any, journal: Journal) -> Power:
        return self.on_host(cloud).stop_guest(cloud.context, server_id=self.server_id, timeout=self.timeout)

    def start_again(self, cloud: Any, journal: Journal) -> None:
        # What is about to be deleted needs not run.
        if journal.stop_requested:
            return
        # A host that went away tells that the guest is off when it is back.
        with contextlib.suppress(errors.HostAway):
            self.on_host(cloud).ensure_guest(cloud.context, guest=self.guest(cloud))
            if self.before is State.PAUSED:
                self.on_host(cloud).pause_guest(cloud.context, server_id=self.server_id)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(
            remove_former_image,
            permanent='the guest has what it held',
            shows=Activity.SHELVING,
            when=lambda operation: operation.former_image_id is not None,
        ),
        image_step(shows=Activity.SHELVING),
        Step(
            shut_down,
            undo=start_again,
            shows=Activity.SHELVING,
            when=lambda operation: operation.before in (State.ACTIVE, State.PAUSED),
            patience=PATIENCE,
        ),
        *snapshot_steps(
            Activity.SHELVING_IMAGE_PENDING_UPLOAD,
            Activity.SHELVING_IMAGE_PENDING_UPLOAD,
            Activity.SHELVING_IMAGE_UPLOADING,
        ),
    )

    def finish(self, cloud: Any, journal: Journal, tx: Any) -> str | None:
        if failure := fault_of(journal, self.verb):
            servers.finish(tx, self.server_id, journal.operation_id, None, fault=failure)
            return None
        server = servers.get(tx, self.server_id)
        shelved = {SHELVED_AT: cloud.now().isoformat(), SHELVED_HOST: self.host}
        if self.image_id:
            shelved[SHELVED_IMAGE_ID] = self.image_id
        servers.finish(
            tx,
            self.server_id,
            journal.operation_id,
            State.SHELVED,
            power=Power.SHUTDOWN,
            system_metadata=server.system_metadata | shelved,
        )
        if cloud.shelved_offload_time == 0 or self.image_id is None:
            name = server.guest_name(cloud.instance_name_template)
            return start.follow(cloud, tx, ShelveOffloadServer(self.server_id, self.cell_id, self.host, name))
        return None
