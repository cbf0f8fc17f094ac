"""Suspend a server: its memory goes to disk."""

import dataclasses
from typing import Any, ClassVar

from nova.domain.lifecycle import Activity, Power
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class SuspendServer(GuestOperation):
    """Its host keeps its memory on disk."""

    verb: ClassVar[str] = 'suspend'

    def suspend_guest(self, cloud: Any, journal: Journal) -> Power:
        return self.on_host(cloud).suspend_guest(cloud.context, server_id=self.server_id)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(
            suspend_guest,
            permanent='a guest that is suspended is what the user asked for',
            shows=Activity.SUSPENDING,
            patience=PATIENCE,
        ),
    )
