"""Let a paused server go on."""

import dataclasses
from typing import Any, ClassVar

from nova.domain.lifecycle import Activity, Power
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class UnpauseServer(GuestOperation):
    """Its processors run again."""

    verb: ClassVar[str] = 'unpause'

    def unpause_guest(self, cloud: Any, journal: Journal) -> Power:
        return self.on_host(cloud).unpause_guest(cloud.context, server_id=self.server_id)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(
            unpause_guest,
            permanent='a guest that runs is what the user asked for',
            shows=Activity.UNPAUSING,
            patience=PATIENCE,
        ),
    )
