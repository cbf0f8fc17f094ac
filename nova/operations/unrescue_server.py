"""Unrescue a server: it runs from its own disks again, and the rescue disk is gone."""

import dataclasses
from typing import Any, ClassVar

from nova.domain.lifecycle import Activity, Power
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class UnrescueServer(GuestOperation):
    """The rescue system is switched off at once: what it has not written to the server's disks is lost."""

    verb: ClassVar[str] = 'unrescue'

    def unrescue_guest(self, cloud: Any, journal: Journal) -> Power:
        return self.on_host(cloud).unrescue_guest(cloud.context, guest=self.guest(cloud))

    steps: ClassVar[tuple[Step, ...]] = (
        Step(
            unrescue_guest,
            permanent='a guest that runs from its own disks is what the user asked for',
            shows=Activity.UNRESCUING,
            patience=PATIENCE,
        ),
    )
