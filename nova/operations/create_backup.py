"""Make an image of a server's disk, and remove the oldest of those that were made before."""

import dataclasses
import logging
from typing import Any, ClassVar

from nova.domain.lifecycle import Activity
from nova.domain.snapshot import Quiesce
from nova.operations.guest_operation import GuestOperation
from nova.operations.steps.snapshot import image_step, snapshot_steps
from nova.saga.journal import Journal
from nova.saga.step import Step

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class CreateBackup(GuestOperation):
    """The newest `rotation` backups of a type are kept; with 0 none is made either, and `image_id` is None."""

    project_id: str
    backup_type: str
    rotation: int
    image_id: str | None = None
    quiesce: Quiesce = Quiesce.NO

    verb: ClassVar[str] = 'create_backup'

    def rotate(self, cloud: Any, journal: Journal) -> None:
        backups = cloud.images.backups(self.project_id, self.server_id, self.backup_type)
        for image_id in backups[self.rotation :]:
            if not cloud.images.remove(image_id):
                LOG.warning('Backup %s of server %s is protected, and stays.', image_id, self.server_id)

    steps: ClassVar[tuple[Step, ...]] = (
        image_step(),
        *snapshot_steps(Activity.IMAGE_BACKUP, Activity.IMAGE_PENDING_UPLOAD, Activity.IMAGE_UPLOADING),
        Step(rotate, permanent='the user wants no more backups than that'),
    )
