"""Pause a server: its memory stays where it is."""

import dataclasses
from typing import Any, ClassVar

from nova.domain.lifecycle import Activity, Power
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class PauseServer(GuestOperation):
    """Its processors stand still."""

    verb: ClassVar[str] = 'pause'

    def pause_guest(self, cloud: Any, journal: Journal) -> Power:
        return self.on_host(cloud).pause_guest(cloud.context, server_id=self.server_id)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(
            pause_guest,
            permanent='a guest that is paused is what the user asked for',
            shows=Activity.PAUSING,
            patience=PATIENCE,
        ),
    )
