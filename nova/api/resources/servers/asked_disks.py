"""Which image a request boots from, and whether its disks are ones that can be made."""

import uuid
from typing import Any

from nova import errors
from nova.domain.flavor import Flavor
from nova.domain.image import Image

_NO_VOLUMES = (
    'Volumes cannot be attached in this cloud: {name} may describe only the image to boot from, and the swap '
    'and ephemeral disks of the flavor.'
)
BYTES_PER_GB = 1 << 30


def image_id(body: dict[str, Any]) -> str:
    """The id of the image to boot from: by `imageRef`, or by the disk with boot index 0."""
    if body.get('block_device_mapping') and body.get('block_device_mapping_v2'):
        raise errors.Invalid('Using different block_device_mapping syntaxes is not allowed in the same request.')
    if any(not entry.get('no_device') for entry in body.get('block_device_mapping') or ()):
        raise errors.Invalid(_NO_VOLUMES.format(name='block_device_mapping'))
    disks = _disks(body)
    booted = next((disk.get('uuid') for disk in disks if _boots(disk)), None)
    referred = _referred(body.get('imageRef'))
    if not (referred or booted) and any(disk.get('source_type') != 'blank' for disk in disks):
        raise errors.Invalid(_NO_VOLUMES.format(name='block_device_mapping_v2'))
    if not (referred or booted) or (referred and booted and referred != booted):
        raise errors.Invalid('Invalid imageRef provided.')
    return referred or booted


def refuse_other_disks(body: dict[str, Any], flavor: Flavor) -> None:
    """Raise Invalid for local disks that are not those that the flavor makes anyway."""
    for disk in _disks(body):
        if disk.get('source_type') == 'blank':
            _refuse_blank(disk, flavor)
        elif not _boots(disk):
            raise errors.Invalid(_NO_VOLUMES.format(name='block_device_mapping_v2'))
    blanks = [disk for disk in _disks(body) if disk.get('source_type') == 'blank']
    if len([disk for disk in blanks if _is_swap(disk)]) > 1:
        raise errors.Invalid('More than one swap drive requested.')
    if len([disk for disk in blanks if not _is_swap(disk)]) > 1:
        raise errors.Invalid('Only one ephemeral disk can be made, of the size that the flavor says.')


def refuse_too_many(flavor: Flavor, most: int) -> None:
    """Raise Invalid if the flavor makes more disks on the host than `most`; a negative number means no limit."""
    disks = 1 + bool(flavor.ephemeral_gb) + bool(flavor.swap_mb)
    if 0 <= most < disks:
        raise errors.Invalid('Block Device Mapping is Invalid: You specified more local devices than the limit allows')


def refuse_unfit(image: Image, flavor: Flavor) -> None:
    """Raise Invalid unless a server of this flavor can boot the image."""
    if image.status != 'active':
        raise errors.Invalid(f'Image {image.id} is not active.')
    if flavor.memory_mb < image.min_memory_mb:
        raise errors.Invalid("Flavor's memory is too small for requested image.")
    if not flavor.disk_gb:
        return
    room = flavor.disk_gb * BYTES_PER_GB
    size = max(image.size, image.virtual_size or 0)
    if size > room:
        raise errors.Invalid(
            f"Flavor's disk is too small for requested image. Flavor disk is {room} bytes, image is {size} bytes."
        )
    least = image.min_disk_gb * BYTES_PER_GB
    if least > room:
        raise errors.Invalid(
            "Flavor's disk is smaller than the minimum size specified in image metadata. "
            f'Flavor disk is {room} bytes, minimum size is {least} bytes.'
        )


def _disks(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [disk for disk in body.get('block_device_mapping_v2') or () if not disk.get('no_device')]


def _boots(disk: dict[str, Any]) -> bool:
    is_local_image = disk.get('source_type') == 'image' and disk.get('destination_type', 'local') == 'local'
    return is_local_image and str(disk.get('boot_index', '')) == '0'


def _is_swap(disk: dict[str, Any]) -> bool:
    return disk.get('guest_format') == 'swap'


def _refuse_blank(disk: dict[str, Any], flavor: Flavor) -> None:
    if disk.get('destination_type', 'local') != 'local':
        raise errors.Invalid(_NO_VOLUMES.format(name='block_device_mapping_v2'))
    kind, made = ('swap', flavor.swap_mb) if _is_swap(disk) else ('ephemeral', flavor.ephemeral_gb)
    asked = int(disk.get('volume_size') or made)
    if asked > made:
        raise errors.Invalid(f'{kind.capitalize()} drive requested is larger than instance type allows.')
    if asked != made:
        raise errors.Invalid(f'The {kind} disk can only be as large as the flavor says: {made}.')


def _referred(reference: str | None) -> str | None:
    """An image's id, or the end of the old form of reference, a URL."""
    if not reference:
        return None
    last = reference.rstrip('/').rpartition('/')[2]
    try:
        return str(uuid.UUID(last))
    except ValueError:
        raise errors.Invalid('Invalid imageRef provided.')
