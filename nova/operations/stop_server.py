"""Stop a server: ask its system to shut down, and switch the guest off if it does not."""

import dataclasses
from typing import Any, ClassVar

from nova.domain.lifecycle import Activity, Power
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class StopServer(GuestOperation):
    """`timeout`: for how many seconds its system may shut down; None for the host's option, 0 for not at all."""

    timeout: int | None = None

    verb: ClassVar[str] = 'stop'

    def shut_down(self, cloud: Any, journal: Journal) -> Power:
        return self.on_host(cloud).stop_guest(cloud.context, server_id=self.server_id, timeout=self.timeout)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(
            shut_down,
            permanent='a guest that is off is what the user asked for',
            shows=Activity.POWERING_OFF,
            patience=PATIENCE,
        ),
    )
