"""Make an image of a server's disk, while the server goes on as it is."""

import dataclasses
from typing import ClassVar

from nova.domain.lifecycle import Activity
from nova.domain.snapshot import Quiesce
from nova.operations.guest_operation import GuestOperation
from nova.operations.steps.snapshot import image_step, snapshot_steps
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class CreateImage(GuestOperation):
    """The image is recorded already, by its user; this gives it its data, or removes it."""

    image_id: str
    quiesce: Quiesce = Quiesce.NO

    verb: ClassVar[str] = 'create_image'

    steps: ClassVar[tuple[Step, ...]] = (
        image_step(),
        *snapshot_steps(Activity.IMAGE_SNAPSHOT, Activity.IMAGE_PENDING_UPLOAD, Activity.IMAGE_UPLOADING),
    )
