"""Reboot a server: softly, by its own system, or hard, from what the database knows of it."""

import dataclasses
from typing import Any, ClassVar

from nova.domain.lifecycle import Activity, Power
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step

_RUNNING = 'a guest that runs anew is what the user asked for'


@dataclasses.dataclass(frozen=True)
class RebootServer(GuestOperation):
    """One that does not shut down within `timeout` seconds (None: the host's option) is rebooted hard."""

    timeout: int | None = None

    verb: ClassVar[str] = 'reboot'

    def reboot_guest(self, cloud: Any, journal: Journal) -> Power:
        return self.on_host(cloud).reboot_guest(cloud.context, guest=self.guest(cloud), timeout=self.timeout)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(reboot_guest, permanent=_RUNNING, shows=Activity.REBOOT_STARTED, patience=PATIENCE),
    )


@dataclasses.dataclass(frozen=True)
class RebootServerHard(GuestOperation):
    """The way back from almost anything: the guest is defined and started from the record alone."""

    verb: ClassVar[str] = 'reboot_hard'

    def reboot_guest(self, cloud: Any, journal: Journal) -> Power:
        return self.on_host(cloud).reboot_guest(cloud.context, guest=self.guest(cloud), timeout=0)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(reboot_guest, permanent=_RUNNING, shows=Activity.REBOOT_STARTED_HARD, patience=PATIENCE),
    )
