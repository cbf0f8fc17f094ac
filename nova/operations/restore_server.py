"""Take back a deletion that waits for its time: the server runs again."""

import dataclasses
from typing import Any, ClassVar

from nova.db.stores import deletions, mappings, quotas
from nova.domain.lifecycle import Activity, Power
from nova.domain.resize import Allowance
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.operations.steps import shelved_image
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class RestoreServer(GuestOperation):
    """Whatever it was before it was deleted, it runs then. `allowances` are the quotas that hold."""

    allowances: tuple[Allowance, ...] = ()
    # Of a server that was shelved before it was deleted.
    image_id: str | None = None

    verb: ClassVar[str] = 'restore'

    def take_quota(self, cloud: Any, journal: Journal) -> None:
        """Raises OverQuota, and counts as before, if others have taken the room meanwhile: nobody else is counted just now."""
        server = self.server(cloud)
        with cloud.databases.api.writing() as tx:
            if self.allowances:
                quotas.take_turn(tx, server.project_id)
            mappings.count_again(tx, self.server_id)
            for allowance in self.allowances:
                used = mappings.count_usage(tx, server.project_id, allowance.user_id)
                allowance.refuse_another(used, server.flavor)

    def free_quota(self, cloud: Any, journal: Journal) -> None:
        with cloud.databases.api.writing() as tx:
            mappings.queue_for_delete(tx, self.server_id)

    def start_guest(self, cloud: Any, journal: Journal) -> Power:
        return self.on_host(cloud).ensure_guest(cloud.context, guest=self.guest(cloud))

    def remove_image(self, cloud: Any, journal: Journal) -> bool:
        return shelved_image.remove(cloud, journal, 'remove_image', self.server_id, self.image_id)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(take_quota, undo=free_quota, shows=Activity.RESTORING),
        Step(
            start_guest,
            permanent='a guest that runs is found by its host, which has it stopped if its server stays deleted',
            patience=PATIENCE,
        ),
        Step(
            remove_image,
            permanent='the guest has what it held',
            when=lambda operation: operation.image_id is not None,
        ),
    )

    def outcome(self, cloud: Any, journal: Journal) -> dict[str, Any]:
        changed: dict[str, Any] = {'power': journal.result('start_guest', Power)}
        if self.image_id:
            known = self.server(cloud).system_metadata
            changed['system_metadata'] = shelved_image.past(known, journal.result('remove_image', bool))
        return changed

    def finish(self, cloud: Any, journal: Journal, tx: Any) -> None:
        super().finish(cloud, journal, tx)
        if journal.page.failure is None:
            deletions.note(tx, self.server_id, None)
