"""Rescue a server: it runs a system from a rescue image, from which its own disks can be mended."""

import contextlib
import dataclasses
from typing import Any, ClassVar, Self

from nova import errors
from nova.domain.image import Image
from nova.domain.lifecycle import Activity, Power, State
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class RescueServer(GuestOperation):
    """`image` None: the one that the host's operator offers, else the server's own. `timeout` as of StopServer."""

    image: Image | None = None
    timeout: int | None = None
    # For the rescue system alone; the journal forgets it when the server is rescued.
    admin_password: str | None = dataclasses.field(default=None, repr=False)

    verb: ClassVar[str] = 'rescue'

    def without_secrets(self) -> Self | None:
        return dataclasses.replace(self, admin_password=None) if self.admin_password else None

    def rescue_guest(self, cloud: Any, journal: Journal) -> Power:
        guest = dataclasses.replace(self.guest(cloud), admin_password=self.admin_password)
        return self.on_host(cloud).rescue_guest(cloud.context, guest=guest, image=self.image, timeout=self.timeout)

    def unrescue_guest(self, cloud: Any, journal: Journal) -> None:
        guest = self.guest(cloud)
        ran = guest.server.state is State.ACTIVE and not journal.stop_requested
        # A guest whose host is away runs what it ran; started anew by a hard reboot, it is itself again.
        with contextlib.suppress(errors.HostAway):
            self.on_host(cloud).unrescue_guest(cloud.context, guest=guest, start=ran)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(rescue_guest, undo=unrescue_guest, shows=Activity.RESCUING, patience=PATIENCE),
    )
