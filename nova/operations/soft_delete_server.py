"""Delete a server for the time being: its guest is off, and all that it has is kept until it is reclaimed or restored."""

import contextlib
import dataclasses
import logging
from typing import Any, ClassVar, Self

from nova import errors
from nova.db.stores import deletions, mappings
from nova.domain.lifecycle import TRANSITIONS, Activity, Power, State
from nova.domain.server import Server
from nova.operations.delete_server import DeleteServer
from nova.operations.guest_operation import GuestOperation, shutdown_timeout
from nova.operations.operation import Operation
from nova.operations.steps import former_move
from nova.saga.journal import Journal
from nova.saga.step import Step

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class SoftDeleteServer(GuestOperation):
    """The quota is free for others meanwhile; room, ports and disks are not."""

    timeout: int | None = None
    # Whether a move waits for its user, who has decided now: to delete what was moved is to keep the move.
    moved: bool = False

    verb: ClassVar[str] = 'soft_delete'

    @classmethod
    def of(cls, server: Server, cell_id: str) -> Self:
        return cls(server.id, cell_id, server.host or '', shutdown_timeout(server), server.state is State.RESIZED)

    def free_quota(self, cloud: Any, journal: Journal) -> None:
        with cloud.databases.api.writing() as tx:
            mappings.queue_for_delete(tx, self.server_id)

    def take_quota(self, cloud: Any, journal: Journal) -> None:
        with cloud.databases.api.writing() as tx:
            mappings.count_again(tx, self.server_id)

    def shut_down(self, cloud: Any, journal: Journal) -> Power | None:
        try:
            return self.on_host(cloud).stop_guest(cloud.context, server_id=self.server_id, timeout=self.timeout)
        except errors.NotFound:
            return None
        except errors.HostAway as failure:
            # A host that comes back compares its guests, and has this one stopped then.
            LOG.warning('The guest of server %s is stopped when its host is back: %s', self.server_id, failure)
            return None

    def keep_move(self, cloud: Any, journal: Journal) -> None:
        # What a host that is away has set aside goes when the server is deleted for good, or resized again.
        with contextlib.suppress(errors.HostAway):
            former_move.settle(self, cloud)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(free_quota, undo=take_quota, shows=Activity.SOFT_DELETING),
        Step(shut_down, permanent='a guest that is off is what the user asked for'),
        Step(keep_move, permanent='its user wants neither size any more', when=lambda operation: operation.moved),
    )

    def outcome(self, cloud: Any, journal: Journal) -> dict[str, Any]:
        power = journal.result('shut_down', Power)
        return {} if power is None else {'power': power}

    def finish(self, cloud: Any, journal: Journal, tx: Any) -> None:
        super().finish(cloud, journal, tx)
        if journal.page.failure is None:
            deletions.note(tx, self.server_id, cloud.now())


def deletion_of(server: Server, cell_id: str, instance_name_template: str, soft: bool) -> Operation:
    """How a server is deleted: with `soft` for the time being, unless it has nothing that could be kept."""
    kept = TRANSITIONS['soft_delete'].allowed | {State.SOFT_DELETED}
    if soft and server.host and server.launched_at is not None and server.state in kept:
        return SoftDeleteServer.of(server, cell_id)
    return DeleteServer.of(server, cell_id, instance_name_template)
