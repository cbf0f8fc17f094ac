"""Switch on a guest that went off with its host."""

import dataclasses
from typing import Any, ClassVar

from nova.domain.lifecycle import Activity, Power
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class PowerOn(GuestOperation):
    """The server ran when its host was switched off. If its guest cannot be started, it shows why."""

    verb: ClassVar[str] = 'power_on'

    def start_guest(self, cloud: Any, journal: Journal) -> Power:
        return self.on_host(cloud).ensure_guest(cloud.context, guest=self.guest(cloud))

    steps: ClassVar[tuple[Step, ...]] = (
        Step(
            start_guest,
            permanent='a guest that runs is what its server is',
            shows=Activity.POWERING_ON,
            patience=PATIENCE,
        ),
    )
