"""Which image a request boots from, and whether a server of its flavor can."""

import uuid
from collections.abc import Sequence
from typing import Any

from nova import errors
from nova.api.request import Request
from nova.domain import guest_wishes
from nova.domain.block_device import IMAGE, BlockDevice
from nova.domain.flavor import Flavor
from nova.domain.image import Image

BYTES_PER_GB = 1 << 30
# How a bus names its first disk.
_ROOT_NAMES = {'virtio': 'vda', 'scsi': 'sda', 'sata': 'sda', 'usb': 'sda', 'ide': 'hda', 'fdc': 'fda', 'xen': 'xvda'}


def referred(reference: str | None) -> str | None:
    """An image's id, from `imageRef`: the id, or the end of the old form of reference, a URL."""
    if not reference:
        return None
    last = reference.rstrip('/').rpartition('/')[2]
    try:
        return str(uuid.UUID(last))
    except ValueError:
        raise errors.Invalid('Invalid imageRef provided.')


def find(request: Request, image_id: str | None) -> Image | None:
    if image_id is None:
        return None
    try:
        return request.services.images.get(request.context, image_id)
    except errors.NotFound:
        raise errors.Invalid(f'Image {image_id} could not be found.')


def refuse_unfit(image: Image, flavor: Flavor, root: BlockDevice) -> None:
    """Raise Invalid unless a server of this flavor can boot the image, from a disk on its host or from a volume."""
    if image.status != 'active':
        raise errors.Invalid(f'Image {image.id} is not active.')
    guest_wishes.refuse(flavor, image.properties)
    if flavor.memory_mb < image.min_memory_mb:
        raise errors.Invalid("Flavor's memory is too small for requested image.")
    least = image.min_disk_gb * BYTES_PER_GB
    if not root.on_host:
        _refuse_small_volume(image, root, least)
    elif flavor.disk_gb:
        _refuse_small_disk(image, flavor.disk_gb * BYTES_PER_GB, least)


def refuse_unfound(request: Request, devices: Sequence[BlockDevice]) -> None:
    """Raise Invalid if a volume shall be made from an image that there is not."""
    for device in devices:
        if device.source_type == IMAGE and not device.on_host and not device.is_root:
            try:
                request.services.images.get(request.context, device.image_id)
            except errors.NotFound:
                raise errors.Invalid(f'Block Device Mapping is Invalid: failed to get image {device.image_id}.')


def disk_config(asked: str | None, image: Image | None) -> str:
    """Whether the guest's file system fills its disk: as asked, else as the image says."""
    given = {} if image is None else image.properties
    grows = given.get('hw_auto_disk_config', given.get('auto_disk_config'))
    by_image = None if grows is None else str(grows).strip().lower() in ('1', 't', 'true', 'on', 'y', 'yes')
    if asked == 'AUTO' and by_image is False:
        raise errors.Invalid(f'Requested image {image.id} has automatic disk resize disabled.')
    return asked or ('AUTO' if by_image else 'MANUAL')


def root_device_name(image: Image | None, root: BlockDevice) -> str:
    """The root disk's device as the guest will see it."""
    given = {} if image is None else image.properties
    named = root.device_name or given.get('img_root_device_name') or given.get('root_device_name')
    name = named or _ROOT_NAMES.get(root.disk_bus or str(given.get('hw_disk_bus', '')), 'vda')
    return name if name.startswith('/dev/') else f'/dev/{name}'


def kept_properties(image: Image | None) -> dict[str, Any]:
    """What hosts and views need to know of the image later, when it may be gone."""
    if image is None:
        return {}
    described = {
        'min_disk': image.min_disk_gb,
        'min_ram': image.min_memory_mb,
        'disk_format': image.disk_format,
        'container_format': image.container_format,
    }
    return {**image.properties, **{name: value for name, value in described.items() if value is not None}}


def _refuse_small_disk(image: Image, room: int, least: int) -> None:
    size = max(image.size, image.virtual_size or 0)
    if size > room:
        raise errors.Invalid(
            f"Flavor's disk is too small for requested image. Flavor disk is {room} bytes, image is {size} bytes."
        )
    if least > room:
        raise errors.Invalid(
            "Flavor's disk is smaller than the minimum size specified in image metadata. "
            f'Flavor disk is {room} bytes, minimum size is {least} bytes.'
        )


def _refuse_small_volume(image: Image, root: BlockDevice, least: int) -> None:
    room = (root.size or 0) * BYTES_PER_GB
    if root.size and least > room:
        raise errors.Invalid(
            'Volume is smaller than the minimum size specified in image metadata. '
            f'Volume size is {room} bytes, minimum size is {least} bytes.'
        )
