"""Fill an image, whose record exists, with what is on a server's disk; and leave nothing of it where that fails."""

from typing import Any

from nova import errors
from nova.domain.lifecycle import Activity
from nova.domain.snapshot import Snapshot
from nova.operations.guest_operation import PATIENCE
from nova.saga.journal import Journal
from nova.saga.step import Step


def find_image(operation: Any, cloud: Any, journal: Journal) -> None:
    """Its owner may have deleted it since it was recorded."""
    if cloud.images.find(operation.image_id) is None:
        raise errors.NotFound(f'Image {operation.image_id} was deleted before it was complete.')


def remove_image(operation: Any, cloud: Any, journal: Journal) -> None:
    cloud.images.remove(operation.image_id)


def take_snapshot(operation: Any, cloud: Any, journal: Journal) -> Snapshot:
    return operation.on_host(cloud).take_snapshot(
        cloud.context, server_id=operation.server_id, image_id=operation.image_id, quiesce=operation.quiesce
    )


def discard_snapshot(operation: Any, cloud: Any, journal: Journal) -> None:
    try:
        operation.on_host(cloud).discard_snapshot(
            cloud.context, server_id=operation.server_id, image_id=operation.image_id
        )
    except errors.HostAway:
        # A host removes what is left of snapshots when it starts, or makes the next one of the guest, or removes it.
        pass


def describe_image(operation: Any, cloud: Any, journal: Journal) -> None:
    taken = journal.result('take_snapshot', Snapshot)
    cloud.images.describe(operation.image_id, disk_format=taken.disk_format, container_format='bare')


def upload_snapshot(operation: Any, cloud: Any, journal: Journal) -> None:
    operation.on_host(cloud).upload_snapshot(cloud.context, server_id=operation.server_id, image_id=operation.image_id)


_WITH_IMAGE = 'the image that it changes is removed as a whole'


def image_step(shows: Activity | None = None) -> Step:
    """The first of an operation that fills an image: whatever fails later, the image goes."""
    return Step(find_image, undo=remove_image, shows=shows, when=_has_image)


def snapshot_steps(taking: Activity, pending: Activity, uploading: Activity) -> tuple[Step, ...]:
    """For an operation on a guest with `image_id` and `quiesce`; left out where there is no image to fill."""
    return (
        Step(take_snapshot, undo=discard_snapshot, shows=taking, when=_has_image, patience=PATIENCE),
        Step(describe_image, permanent=_WITH_IMAGE, shows=pending, when=_has_image),
        Step(upload_snapshot, permanent=_WITH_IMAGE, shows=uploading, when=_has_image, patience=PATIENCE),
    )


def _has_image(operation: Any) -> bool:
    return operation.image_id is not None
