"""Start a server that is stopped."""

import dataclasses
from typing import Any, ClassVar

from nova.domain.lifecycle import Activity, Power
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class StartServer(GuestOperation):
    """Its guest is made anew from what the database knows; its disks stay."""

    verb: ClassVar[str] = 'start'

    def start_guest(self, cloud: Any, journal: Journal) -> Power:
        return self.on_host(cloud).ensure_guest(cloud.context, guest=self.guest(cloud))

    steps: ClassVar[tuple[Step, ...]] = (
        Step(
            start_guest,
            permanent='a guest that runs is what the user asked for',
            shows=Activity.POWERING_ON,
            patience=PATIENCE,
        ),
    )
