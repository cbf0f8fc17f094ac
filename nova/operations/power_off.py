"""End a guest that was switched on behind its server's back."""

import dataclasses
from typing import Any, ClassVar

from nova.domain.lifecycle import Activity, Power
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class PowerOff(GuestOperation):
    """The server is off and stays so; nobody asked for what its guest does."""

    verb: ClassVar[str] = 'power_off'

    def end_guest(self, cloud: Any, journal: Journal) -> Power:
        return self.on_host(cloud).stop_guest(cloud.context, server_id=self.server_id, timeout=0)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(
            end_guest,
            permanent='a guest that is off is what its server is',
            shows=Activity.POWERING_OFF,
            patience=PATIENCE,
        ),
    )
