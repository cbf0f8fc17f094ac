"""Bring a shelved server back: on the host that it is still on, or with room, ports and a guest on a new one."""

import dataclasses
from typing import Any, ClassVar

from nova import errors
from nova.db.stores import guests, servers
from nova.domain.guest import Guest
from nova.domain.lifecycle import Activity, Power, State
from nova.domain.request import PlacementRequest, Selection
from nova.domain.server import Server
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.operations.operation import fault_of
from nova.operations.steps import ports, room, shelved_image
from nova.saga.journal import Journal
from nova.saga.step import Step


def _offloaded(operation: 'UnshelveServer') -> bool:
    return operation.host is None


@dataclasses.dataclass(frozen=True)
class UnshelveServer(GuestOperation):
    """`host` is None for a server that has left its host; it may be wanted on a certain one, and in a zone from now on."""

    host: str | None
    image_id: str | None = None
    wanted_host: str | None = None
    zone: str | None = None

    verb: ClassVar[str] = 'unshelve'

    def attempts(self, cloud: Any) -> int:
        return cloud.max_attempts if _offloaded(self) else 1

    def reserve_room(self, cloud: Any, journal: Journal) -> Selection:
        return room.reserve(cloud, journal, lambda failed: self._wanted(self.server(cloud), failed))

    def _wanted(self, server: Server, failed: tuple[str, ...]) -> PlacementRequest:
        return PlacementRequest(
            server_id=server.id,
            project_id=server.project_id,
            user_id=server.user_id,
            resources=server.flavor.resources(),
            availability_zone=self.zone,
            image_properties=server.image_properties,
            extra_specs=server.flavor.extra_specs,
            flavor_name=server.flavor.name,
            scheduler_hints=server.scheduler_hints,
            host=self.wanted_host,
            excluding=failed,
        )

    def release_room(self, cloud: Any, journal: Journal) -> None:
        cloud.placement.release(self.server_id)

    def take_place(self, cloud: Any, journal: Journal) -> None:
        selection = journal.result('reserve_room', Selection)
        if selection.cell_id != self.cell_id:
            raise errors.HostFailed(f'Host {selection.host} is in another cell than server {self.server_id}.')
        with cloud.databases.cell(self.cell_id).writing() as tx:
            servers.place(tx, self.server_id, selection.host, selection.node, selection.availability_zone)
            guests.record(tx, self.server_id, selection.host, selection.node)

    def leave_place(self, cloud: Any, journal: Journal) -> None:
        with cloud.databases.cell(self.cell_id).writing() as tx:
            pinned = servers.get(tx, self.server_id).pinned_availability_zone
            servers.place(tx, self.server_id, None, None, pinned)
            guests.remove(tx, self.server_id)

    def bind_ports(self, cloud: Any, journal: Journal) -> None:
        selection = journal.result('reserve_room', Selection)
        self._move_ports(cloud, selection.host, selection.availability_zone)

    def unbind_ports(self, cloud: Any, journal: Journal) -> None:
        self._move_ports(cloud, '', None)

    def _move_ports(self, cloud: Any, host: str, zone: str | None) -> None:
        moved = ports.move(cloud, self.server(cloud), host, zone)
        with cloud.databases.cell(self.cell_id).writing() as tx:
            servers.set_ports(tx, self.server_id, moved)

    def start_guest(self, cloud: Any, journal: Journal) -> Power:
        guest = self.guest(cloud)
        if self.image_id:
            guest = self._from_shelved_image(cloud, guest)
        return self._host(cloud, journal).ensure_guest(cloud.context, guest=guest)

    def _from_shelved_image(self, cloud: Any, guest: Guest) -> Guest:
        """A disk that is there stays. One that is not must come from this image, which goes when the guest has it."""
        image = cloud.images.find(self.image_id)
        if image is None:
            raise errors.NotFound(f'Image {self.image_id}, which has the disk of the shelved server, does not exist.')
        properties = guest.image.properties if guest.image else guest.server.image_properties
        return dataclasses.replace(guest, image=dataclasses.replace(image, properties=properties), image_stays=False)

    def remove_guest(self, cloud: Any, journal: Journal) -> None:
        try:
            if not _offloaded(self):
                self.on_host(cloud).stop_guest(cloud.context, server_id=self.server_id, timeout=0)
                return
            host, name = journal.result('reserve_room', Selection).host, self.guest(cloud).name
            self._host(cloud, journal).remove_guest(cloud.context, server_id=self.server_id, guest_name=name)
        except errors.HostAway:
            if _offloaded(self):
                # It asks which guests it should have when it comes back, and removes this one then.
                with cloud.databases.cell(self.cell_id).writing() as tx:
                    guests.abandon(tx, self.server_id, host, name)
        except errors.NotFound:
            # It was never made.
            pass

    def _host(self, cloud: Any, journal: Journal) -> Any:
        selection = journal.result('reserve_room', Selection)
        return cloud.compute(selection.host if selection else self.host, self.cell_id)

    def remove_image(self, cloud: Any, journal: Journal) -> bool:
        return shelved_image.remove(cloud, journal, 'remove_image', self.server_id, self.image_id)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(reserve_room, undo=release_room, shows=Activity.UNSHELVING, when=_offloaded),
        Step(take_place, undo=leave_place, when=_offloaded),
        Step(bind_ports, undo=unbind_ports, when=_offloaded),
        Step(start_guest, undo=remove_guest, shows=Activity.UNSHELVING, patience=PATIENCE),
        Step(
            remove_image,
            permanent='the guest has what it held',
            when=lambda operation: operation.image_id is not None,
        ),
    )

    def finish(self, cloud: Any, journal: Journal, tx: Any) -> None:
        if failure := fault_of(journal, self.verb):
            servers.finish(tx, self.server_id, journal.operation_id, None, fault=failure)
            return
        known = servers.get(tx, self.server_id).system_metadata
        changes: dict[str, Any] = {'pinned_availability_zone': self.zone} if _offloaded(self) else {}
        servers.finish(
            tx,
            self.server_id,
            journal.operation_id,
            State.ACTIVE,
            power=journal.result('start_guest', Power),
            launched_at=cloud.now(),
            system_metadata=shelved_image.past(known, journal.result('remove_image', bool)),
            **changes,
        )
