"""Revert a resize: the server gets its old disks, room and flavor back, and is as it was before."""

import contextlib
import dataclasses
from typing import Any, ClassVar

from nova import errors
from nova.db.stores import block_devices, migrations
from nova.domain.guest import Guest
from nova.domain.lifecycle import Activity, Power, State
from nova.domain.migration import REVERTING
from nova.domain.resize import Kept
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.operations.steps import resized_room
from nova.saga.journal import Journal
from nova.saga.step import Step

REVERTED = 'reverted'
_DECIDED = 'its user has decided; asking again goes on from here'


@dataclasses.dataclass(frozen=True)
class RevertResize(GuestOperation):
    """Where it fails the server stays resized, and reverting it again does the rest; it cannot be confirmed any more."""

    migration_id: str
    # How many seconds its system may shut down; None for the host's option.
    timeout: int | None = None

    verb: ClassVar[str] = 'revert_resize'

    def decide(self, cloud: Any, journal: Journal) -> Kept:
        with cloud.databases.cell(self.cell_id).writing() as tx:
            migrations.decide(tx, self.migration_id, REVERTING)
            return migrations.kept(tx, self.migration_id)

    def stop_guest(self, cloud: Any, journal: Journal) -> None:
        # A guest that is not there has nothing to be stopped.
        with contextlib.suppress(errors.NotFound):
            self.on_host(cloud).stop_guest(cloud.context, server_id=self.server_id, timeout=self.timeout)

    def restore_disks(self, cloud: Any, journal: Journal) -> None:
        self.on_host(cloud).restore_disks(cloud.context, server_id=self.server_id)

    def take_old_room_back(self, cloud: Any, journal: Journal) -> None:
        cloud.placement.move(self.migration_id, self.server_id)
        resized_room.set_quota(cloud, self.server_id, self._kept(journal).flavor)

    def start_guest(self, cloud: Any, journal: Journal) -> Power:
        """Unless the server was off before."""
        if self._kept(journal).state is not State.ACTIVE:
            return Power.SHUTDOWN
        return self.on_host(cloud).ensure_guest(cloud.context, guest=self._as_it_was(cloud, journal))

    steps: ClassVar[tuple[Step, ...]] = (
        Step(decide, permanent=_DECIDED, shows=Activity.RESIZE_REVERTING),
        Step(stop_guest, permanent=_DECIDED, patience=PATIENCE),
        Step(restore_disks, permanent=_DECIDED, patience=PATIENCE),
        Step(take_old_room_back, permanent=_DECIDED),
        Step(start_guest, permanent=_DECIDED, patience=PATIENCE),
    )

    def outcome(self, cloud: Any, journal: Journal) -> dict[str, Any]:
        kept = self._kept(journal)
        was = {'state': kept.state, 'flavor': kept.flavor, 'disk_config': kept.disk_config}
        return super().outcome(cloud, journal) | was

    def finish(self, cloud: Any, journal: Journal, tx: Any) -> None:
        super().finish(cloud, journal, tx)
        if journal.page.failure is None:
            kept = self._kept(journal)
            block_devices.replace_made_by_host(tx, self.server_id, kept.devices)
            migrations.set_status(tx, self.migration_id, REVERTED)

    def _kept(self, journal: Journal) -> Kept:
        return journal.result('decide', Kept)

    def _as_it_was(self, cloud: Any, journal: Journal) -> Guest:
        kept = self._kept(journal)
        guest = self.guest(cloud, flavor=kept.flavor)
        others = tuple(device for device in guest.block_devices if not (device.is_swap or device.is_ephemeral))
        return dataclasses.replace(guest, block_devices=(*others, *kept.devices))
