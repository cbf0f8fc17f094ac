"""Delete a server: its guest, its ports, its room, and then its record."""

import dataclasses
from typing import Any, ClassVar, Self

from nova import errors
from nova.db.stores import console_tokens, guests, mappings, migrations, server_groups, servers
from nova.domain.lifecycle import Activity, State
from nova.domain.network import Port
from nova.domain.server import SHELVED_IMAGE_ID, Server
from nova.operations.operation import Operation, fault_of
from nova.saga.journal import Journal
from nova.saga.step import Step

# A resized server that was deleted for the time being, or shows an error, has not decided either.
_MAY_HAVE_MOVED = (State.RESIZED, State.SOFT_DELETED, State.ERROR)
_NO_WAY_BACK = 'what is deleted stays deleted; repeating it does no harm'


@dataclasses.dataclass(frozen=True)
class DeleteServer(Operation):
    """What has to go is told when it begins; each step bears that it is gone already."""

    cell_id: str = ''
    host: str | None = None
    guest_name: str | None = None
    ports: tuple[Port, ...] = ()
    in_group: bool = False
    # Whether a move may wait for its user, and hold room of its own.
    moved: bool = False
    # Of a shelved server: what has its disk.
    image_id: str | None = None

    verb: ClassVar[str] = 'delete'

    @classmethod
    def of(cls, server: Server, cell_id: str, instance_name_template: str) -> Self:
        """The deletion of a server as it is now."""
        name, in_group = server.guest_name(instance_name_template), bool(server.scheduler_hints.get('group'))
        image_id = server.system_metadata.get(SHELVED_IMAGE_ID)
        moved = server.state in _MAY_HAVE_MOVED
        return cls(server.id, cell_id, server.host, name, server.ports, in_group, moved, image_id)

    def remove_guest(self, cloud: Any, journal: Journal) -> None:
        try:
            cloud.compute(self.host, self.cell_id).remove_guest(
                cloud.context, server_id=self.server_id, guest_name=self.guest_name
            )
        except errors.HostAway:
            # The host is away. It asks which guests it should have when it comes back, and removes this one then.
            with cloud.databases.cell(self.cell_id).writing() as tx:
                guests.abandon(tx, self.server_id, self.host, self.guest_name)

    def release_ports(self, cloud: Any, journal: Journal) -> None:
        cloud.network.release_ports(cloud.context, self.server_id, self.ports)

    def remove_image(self, cloud: Any, journal: Journal) -> None:
        cloud.images.remove(self.image_id)

    def release_room(self, cloud: Any, journal: Journal) -> None:
        """Its room on the host, and its place in the API's count of servers."""
        if self.host:
            cloud.placement.release(self.server_id)
        if self.moved:
            with cloud.databases.cell(self.cell_id).reading() as tx:
                move = migrations.undecided(tx, self.server_id)
            if move:
                cloud.placement.release(move.id)
        with cloud.databases.api.writing() as tx:
            mappings.queue_for_delete(tx, self.server_id)
            if self.in_group:
                server_groups.remove_member(tx, self.server_id)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(remove_guest, permanent=_NO_WAY_BACK, shows=Activity.DELETING, when=lambda operation: operation.host),
        Step(release_ports, permanent=_NO_WAY_BACK, when=lambda operation: operation.ports),
        Step(remove_image, permanent=_NO_WAY_BACK, when=lambda operation: operation.image_id),
        Step(release_room, permanent=_NO_WAY_BACK),
    )

    def finish(self, cloud: Any, journal: Journal, tx: Any) -> None:
        if failure := fault_of(journal, self.verb):
            servers.finish(tx, self.server_id, journal.operation_id, State.ERROR, fault=failure)
            return
        if self.moved:
            # To delete what was moved is to keep the move.
            migrations.end_all(tx, self.server_id, 'confirmed')
        guests.remove(tx, self.server_id)
        console_tokens.remove(tx, self.server_id)
        servers.finish(tx, self.server_id, journal.operation_id, State.DELETED, terminated_at=cloud.now())
