"""Resume a suspended server from what its host keeps of its memory."""

import dataclasses
from typing import Any, ClassVar

from nova.domain.lifecycle import Activity, Power
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class ResumeServer(GuestOperation):
    """It goes on where it was."""

    verb: ClassVar[str] = 'resume'

    def resume_guest(self, cloud: Any, journal: Journal) -> Power:
        return self.on_host(cloud).ensure_guest(cloud.context, guest=self.guest(cloud))

    steps: ClassVar[tuple[Step, ...]] = (
        Step(
            resume_guest,
            permanent='a guest that runs is what the user asked for',
            shows=Activity.RESUMING,
            patience=PATIENCE,
        ),
    )
