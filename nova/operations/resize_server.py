"""Resize a server: give it another flavor, and keep all that it had until its user has decided.

It stays on its host. What a move to another host needs besides is steps of their own, between the claim and the end: bind
its ports there, carry its disks over, and begin there what `start_guest` begins here.
"""

import contextlib
import dataclasses
from typing import Any, ClassVar

from nova import errors
from nova.db.stores import block_devices, hosts, migrations, servers
from nova.domain import resize
from nova.domain.flavor import Flavor
from nova.domain.guest import Guest
from nova.domain.lifecycle import Activity, Power, State
from nova.domain.migration import FINISHED, RESIZE, Migration
from nova.domain.request import Selection, stay_request
from nova.domain.resize import Allowance, Kept
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.operations.steps import former_move, resized_room
from nova.saga.journal import Journal
from nova.saga.step import Step

PREPARING, MIGRATING, MOVED = 'pre-migrating', 'migrating', 'post-migrating'
FAILED = 'error'


@dataclasses.dataclass(frozen=True)
class ResizeServer(GuestOperation):
    """`migration_id` is also the consumer that holds the old room meanwhile; `allowances` are the quotas that hold."""

    flavor: Flavor
    migration_id: str
    # None: as before.
    disk_config: str | None = None
    # How many seconds its system may shut down; None for the host's option.
    timeout: int | None = None
    allowances: tuple[Allowance, ...] = ()

    verb: ClassVar[str] = 'resize'

    def settle_former_move(self, cloud: Any, journal: Journal) -> None:
        """One that nobody decided on, because an administrator has reset the server's state: it is kept."""
        former_move.settle(self, cloud, but=self.migration_id)

    def note_migration(self, cloud: Any, journal: Journal) -> Kept:
        """What the server is now, which it goes back to."""
        with cloud.databases.cell(self.cell_id).writing() as tx:
            server = servers.get(tx, self.server_id)
            devices = resize.made_by_host(block_devices.of_server(tx, self.server_id))
            kept = Kept(server.flavor, server.state, server.disk_config, devices)
            move = Migration(
                self.migration_id,
                self.server_id,
                RESIZE,
                PREPARING,
                source_compute=server.host,
                source_node=server.node,
                dest_compute=server.host,
                dest_node=server.node,
                dest_host=hosts.address(tx, self.host),
                old_flavor_id=server.flavor.id,
                new_flavor_id=self.flavor.id,
                user_id=cloud.context.user_id,
                project_id=cloud.context.project_id,
            )
            migrations.record(tx, move, kept)
        return kept

    def withdraw_migration(self, cloud: Any, journal: Journal) -> None:
        with cloud.databases.cell(self.cell_id).writing() as tx:
            if migrations.find(tx, self.migration_id):
                migrations.set_status(tx, self.migration_id, FAILED)

    def take_quota(self, cloud: Any, journal: Journal) -> None:
        resized_room.take_quota(cloud, self.server(cloud), self.flavor, self.allowances)

    def give_quota_back(self, cloud: Any, journal: Journal) -> None:
        resized_room.set_quota(cloud, self.server_id, self._kept(journal).flavor)

    def set_old_room_aside(self, cloud: Any, journal: Journal) -> None:
        """The migration holds it from now on."""
        cloud.placement.move(self.server_id, self.migration_id, consumer_type='MIGRATION', is_new=True)

    def take_old_room_back(self, cloud: Any, journal: Journal) -> None:
        cloud.placement.move(self.migration_id, self.server_id)

    def reserve_room(self, cloud: Any, journal: Journal) -> Selection:
        """There has to be room for both sizes, until the user has decided."""
        server = self.server(cloud)
        (choice,) = cloud.scheduler.select(cloud.context, requests=(stay_request(server, self.flavor),))
        if choice.selection is None:
            raise errors.NoRoom(reasons=choice.rejected)
        self._hold(cloud, self._kept(journal).flavor, self.flavor)
        return choice.selection

    def release_room(self, cloud: Any, journal: Journal) -> None:
        cloud.placement.release(self.server_id)
        self._hold(cloud, self._kept(journal).flavor)

    def stop_guest(self, cloud: Any, journal: Journal) -> None:
        self._show(cloud, MIGRATING)
        # A guest that is not there has nothing to be stopped.
        with contextlib.suppress(errors.NotFound):
            self.on_host(cloud).stop_guest(cloud.context, server_id=self.server_id, timeout=self.timeout)

    def start_guest_again(self, cloud: Any, journal: Journal) -> None:
        if self._kept(journal).state is not State.ACTIVE or journal.stop_requested:
            return
        # A host that went away tells how its guests are when it is back.
        with contextlib.suppress(errors.HostAway):
            self.on_host(cloud).ensure_guest(cloud.context, guest=self.guest(cloud))

    def resize_disks(self, cloud: Any, journal: Journal) -> None:
        self.on_host(cloud).resize_disks(cloud.context, guest=self._resized(cloud, journal))

    def restore_disks(self, cloud: Any, journal: Journal) -> None:
        # What is about to be deleted has its files removed anyway, even later if its host is away.
        with contextlib.suppress(*((errors.HostAway,) if journal.stop_requested else ())):
            self.on_host(cloud).restore_disks(cloud.context, server_id=self.server_id)

    def note_move(self, cloud: Any, journal: Journal) -> None:
        self._show(cloud, MOVED)

    def start_guest(self, cloud: Any, journal: Journal) -> Power:
        """Unless the server was off."""
        if self._kept(journal).state is not State.ACTIVE:
            return Power.SHUTDOWN
        return self.on_host(cloud).ensure_guest(cloud.context, guest=self._resized(cloud, journal))

    def end_guest(self, cloud: Any, journal: Journal) -> None:
        away = (errors.HostAway,) if journal.stop_requested else ()
        with contextlib.suppress(errors.NotFound, *away):
            self.on_host(cloud).stop_guest(cloud.context, server_id=self.server_id, timeout=0)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(settle_former_move, permanent='whoever goes on with a server keeps it as it is', patience=PATIENCE),
        Step(note_migration, undo=withdraw_migration, shows=Activity.RESIZE_PREP),
        Step(take_quota, undo=give_quota_back),
        Step(set_old_room_aside, undo=take_old_room_back),
        Step(reserve_room, undo=release_room),
        Step(stop_guest, undo=start_guest_again, shows=Activity.RESIZE_MIGRATING, patience=PATIENCE),
        Step(resize_disks, undo=restore_disks, patience=PATIENCE),
        Step(note_move, permanent='the migration is withdrawn as a whole', shows=Activity.RESIZE_MIGRATED),
        Step(start_guest, undo=end_guest, shows=Activity.RESIZE_FINISH, patience=PATIENCE),
    )

    def outcome(self, cloud: Any, journal: Journal) -> dict[str, Any]:
        disk_config = self.disk_config or self._kept(journal).disk_config
        return super().outcome(cloud, journal) | {'flavor': self.flavor, 'disk_config': disk_config}

    def finish(self, cloud: Any, journal: Journal, tx: Any) -> None:
        super().finish(cloud, journal, tx)
        if journal.page.failure is None:
            kept = self._kept(journal)
            devices = resize.resized(kept.devices, kept.flavor, self.flavor)
            block_devices.replace_made_by_host(tx, self.server_id, devices)
            servers.hold_room(tx, self.server_id, (kept.flavor, self.flavor))
            migrations.set_status(tx, self.migration_id, FINISHED)

    def _kept(self, journal: Journal) -> Kept:
        return journal.result('note_migration', Kept)

    def _resized(self, cloud: Any, journal: Journal) -> Guest:
        guest = self.guest(cloud, flavor=self.flavor)
        devices = resize.resized(guest.block_devices, self._kept(journal).flavor, self.flavor)
        return dataclasses.replace(guest, block_devices=devices)

    def _show(self, cloud: Any, status: str) -> None:
        with cloud.databases.cell(self.cell_id).writing() as tx:
            migrations.set_status(tx, self.migration_id, status)

    def _hold(self, cloud: Any, *flavors: Flavor) -> None:
        with cloud.databases.cell(self.cell_id).writing() as tx:
            servers.hold_room(tx, self.server_id, flavors)
