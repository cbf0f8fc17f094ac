"""Confirm a resize: what the server had before is given up."""

import dataclasses
from typing import Any, ClassVar

from nova.db.stores import migrations, servers
from nova.domain import resize
from nova.domain.lifecycle import Activity, State
from nova.domain.migration import CONFIRMING
from nova.domain.resize import Kept
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.operations.steps import resized_room
from nova.saga.journal import Journal
from nova.saga.step import Step

CONFIRMED = 'confirmed'
_DECIDED = 'its user has decided; asking again goes on from here'


@dataclasses.dataclass(frozen=True)
class ConfirmResize(GuestOperation):
    """Where it fails the server stays as it is, and confirming it again does the rest."""

    migration_id: str

    verb: ClassVar[str] = 'confirm_resize'

    def decide(self, cloud: Any, journal: Journal) -> Kept:
        with cloud.databases.cell(self.cell_id).writing() as tx:
            migrations.decide(tx, self.migration_id, CONFIRMING)
            return migrations.kept(tx, self.migration_id)

    def forget_old_disks(self, cloud: Any, journal: Journal) -> None:
        self.on_host(cloud).forget_old_disks(cloud.context, server_id=self.server_id)

    def release_old_room(self, cloud: Any, journal: Journal) -> State:
        """What the server is from now on."""
        server = self.server(cloud)
        cloud.placement.release(self.migration_id)
        resized_room.set_quota(cloud, self.server_id, server.flavor)
        return resize.state_after(server.power, journal.result('decide', Kept).state)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(decide, permanent=_DECIDED, shows=Activity.RESIZE_CONFIRMING),
        Step(forget_old_disks, permanent=_DECIDED, patience=PATIENCE),
        Step(release_old_room, permanent=_DECIDED),
    )

    def outcome(self, cloud: Any, journal: Journal) -> dict[str, Any]:
        return {'state': journal.result('release_old_room', State)}

    def finish(self, cloud: Any, journal: Journal, tx: Any) -> None:
        super().finish(cloud, journal, tx)
        if journal.page.failure is None:
            servers.hold_room(tx, self.server_id, (servers.get(tx, self.server_id).flavor,))
            migrations.set_status(tx, self.migration_id, CONFIRMED)
