"""Make a server's system dump its memory."""

import dataclasses
from typing import Any, ClassVar

from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class TriggerCrashDump(GuestOperation):
    """What the interrupt does is its system's affair."""

    verb: ClassVar[str] = 'trigger_crash_dump'

    def dump_guest(self, cloud: Any, journal: Journal) -> None:
        self.on_host(cloud).dump_guest(cloud.context, server_id=self.server_id)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(dump_guest, permanent='an interrupt cannot be taken back', patience=PATIENCE),
    )

    def outcome(self, cloud: Any, journal: Journal) -> dict[str, Any]:
        return {}
