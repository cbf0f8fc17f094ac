"""Give the administrator of a server's system another password."""

import dataclasses
from typing import Any, ClassVar, Self

from nova.domain.lifecycle import Activity
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class ChangePassword(GuestOperation):
    """The journal forgets the password when it has ended."""

    user: str
    password: str | None = dataclasses.field(default=None, repr=False)

    verb: ClassVar[str] = 'change_password'

    def without_secrets(self) -> Self:
        return dataclasses.replace(self, password=None)

    def set_password(self, cloud: Any, journal: Journal) -> None:
        self.on_host(cloud).set_password(
            cloud.context, server_id=self.server_id, user=self.user, password=self.password
        )

    steps: ClassVar[tuple[Step, ...]] = (
        Step(
            set_password,
            permanent='nobody knows the password that was there before',
            shows=Activity.UPDATING_PASSWORD,
            patience=PATIENCE,
        ),
    )
