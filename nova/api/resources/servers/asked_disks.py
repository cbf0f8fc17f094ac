"""Which disks a request asks for, in either of two forms, and whether they go together."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import Any

from nova import errors
from nova.api.schema import truth
from nova.domain.block_device import BLANK, IMAGE, LOCAL, SNAPSHOT, SWAP, VOLUME, BlockDevice
from nova.domain.flavor import Flavor
from nova.domain.image import Image

NO_VOLUMES = (
    'Servers with volumes cannot be made in this cloud yet: nothing attaches them. Boot from an image, and leave out '
    'disks whose destination_type is volume.'
)
_INVALID = 'Block Device Mapping is Invalid: '
_SEQUENCE = (
    f'{_INVALID}Boot sequence for the instance and image/block device mapping combination is not valid.'
)  # fmt: skip
# Where each kind of source may end; the first is meant where the request does not say.
_DESTINATIONS = {BLANK: (LOCAL, VOLUME), IMAGE: (LOCAL, VOLUME), VOLUME: (VOLUME,), SNAPSHOT: (VOLUME,)}
_ROOT_NAMES = frozenset({'vda', '/dev/vda'})


@dataclasses.dataclass(frozen=True)
class Asked:
    """The disks that a request names, and the names of those that it does not want of its image."""

    devices: tuple[BlockDevice, ...]
    without: frozenset[str] = frozenset()

    @property
    def root(self) -> BlockDevice | None:
        return next((device for device in self.devices if device.is_root), None)


def asked(body: dict[str, Any], image_id: str | None) -> Asked:
    """What `block_device_mapping` or `block_device_mapping_v2` says, in one form. `image_id` is that of `imageRef`."""
    old, new = body.get('block_device_mapping') or (), body.get('block_device_mapping_v2') or ()
    if old and new:
        raise errors.Invalid('Using different block_device_mapping syntaxes is not allowed in the same request.')
    entries = old or new
    without = frozenset(
        entry['device_name'] for entry in entries if _not_wanted(entry) and entry.get('device_name') is not None
    )
    wanted = [entry for entry in entries if not _not_wanted(entry)]
    devices = _with_old_root([_from_old(entry) for entry in wanted], image_id) if old else map(_from_new, wanted)
    return Asked(tuple(devices), without)


def image_id(asked: Asked, referred: str | None) -> str | None:
    """The id of the image to boot from: by `imageRef`, or by the disk with boot index 0."""
    root = asked.root
    local = root.image_id if root and root.on_host else None
    if not referred and not asked.devices or (referred and local and referred != local):
        raise errors.Invalid('Invalid imageRef provided.')
    if root and not root.on_host:
        return root.image_id
    return referred or local


def complete(asked: Asked, image: Image | None, flavor: Flavor, count: int, most_local: int) -> tuple[BlockDevice, ...]:
    """All disks of each of `count` servers, the image's and the flavor's too, that can be had together.

    A negative `most_local` lets any number of disks be on the host.
    """
    named = {device.device_name for device in asked.devices if device.device_name} | asked.without
    devices = [*asked.devices, *(own for own in _of_image(image) if own.device_name not in named)]
    if image and not any(device.is_root for device in devices):
        root = BlockDevice(IMAGE, LOCAL, boot_index=0, image_id=image.id, delete_on_termination=True)
        devices.insert(0, dataclasses.replace(root, device_type='disk'))
    devices = _with_sizes(devices, flavor)
    _refuse_bad_sequence(devices)
    _refuse_repeated(devices)
    if 0 <= most_local < sum(device.on_host for device in devices):
        raise errors.Invalid(f'{_INVALID}You specified more local devices than the limit allows')
    if count > 1 and any(device.source_type == VOLUME for device in devices):
        raise errors.Invalid('Cannot attach one or more volumes to multiple instances')
    return tuple(devices)


def _not_wanted(entry: dict[str, Any]) -> bool:
    return entry.get('no_device') not in (None, False, '', 'false', 'False')


def _from_old(entry: dict[str, Any]) -> BlockDevice:
    """The first form names disks by device, and knows volumes, snapshots of them, and the flavor's disks."""
    common = {
        'device_name': entry.get('device_name'),
        'size': _size(entry),
        'delete_on_termination': truth(entry.get('delete_on_termination')),
    }
    virtual = entry.get('virtual_name') or ''
    if entry.get('snapshot_id'):
        return BlockDevice(SNAPSHOT, VOLUME, snapshot_id=entry['snapshot_id'], **common)
    if entry.get('volume_id'):
        return BlockDevice(VOLUME, VOLUME, volume_id=entry['volume_id'], **common)
    if virtual == SWAP or virtual.startswith('ephemeral'):
        return BlockDevice(BLANK, LOCAL, guest_format=SWAP if virtual == SWAP else None, **common)
    raise errors.Invalid(f'{_INVALID}Unrecognized legacy format.')


def _with_old_root(devices: list[BlockDevice], image_id: str | None) -> Iterable[BlockDevice]:
    """A disk that is called like the root disk is booted; without an image, else the first one."""
    bootable = [device for device in devices if not device.on_host]
    root = next((device for device in bootable if device.device_name in _ROOT_NAMES), None)
    if root is None and not image_id:
        root = next(iter(bootable), None)
    return (dataclasses.replace(device, boot_index=0) if device is root else device for device in devices)


def _from_new(entry: dict[str, Any]) -> BlockDevice:
    source, ident = entry.get('source_type'), entry.get('uuid')
    if source not in _DESTINATIONS:
        raise errors.Invalid(f'{_INVALID}Invalid source_type field.')
    if source == BLANK and ident:
        raise errors.Invalid(f'{_INVALID}Invalid device UUID.')
    if source != BLANK and not ident:
        raise errors.Invalid(f'{_INVALID}Missing device UUID.')
    destination = entry.get('destination_type') or _DESTINATIONS[source][0]
    if destination not in _DESTINATIONS[source]:
        raise errors.Invalid(f'{_INVALID}Mapping {source} to {destination} is not supported.')
    index = None if entry.get('boot_index') is None else int(entry['boot_index'])
    if source == IMAGE and destination == LOCAL and index != 0:
        raise errors.Invalid(f'{_INVALID}Mapping image to local is not supported.')
    device = BlockDevice(
        source,
        destination,
        boot_index=None if index is None or index < 0 else index,
        size=_size(entry),
        device_name=entry.get('device_name'),
        tag=entry.get('tag'),
        delete_on_termination=truth(entry.get('delete_on_termination')),
        guest_format=entry.get('guest_format'),
        disk_bus=entry.get('disk_bus'),
        device_type=entry.get('device_type'),
        volume_type=entry.get('volume_type'),
        **({} if source == BLANK else {f'{source}_id': ident}),
    )
    _refuse_sizeless(device)
    if device.volume_type and (device.on_host or source == VOLUME):
        raise errors.Invalid(f'{_INVALID}volume_type is for volumes that are made for the server.')
    return device


def _size(entry: dict[str, Any]) -> int | None:
    return int(entry.get('volume_size') or 0) or None


def _refuse_sizeless(device: BlockDevice) -> None:
    if device.on_host or device.size:
        return
    if device.source_type == IMAGE:
        raise errors.Invalid(
            f"{_INVALID}Images with destination_type 'volume' need to have a non-zero size specified"
        )  # fmt: skip
    if device.source_type == BLANK:
        raise errors.Invalid(f"{_INVALID}Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size")


def _of_image(image: Image | None) -> list[BlockDevice]:
    """The disks that an image names: snapshots of the volumes of the server that it was made from."""
    mapping = image.properties.get('block_device_mapping') if image else None
    try:
        entries = json.loads(mapping) if isinstance(mapping, str) and mapping else mapping or []
        read = _from_new if truth(image and image.properties.get('bdm_v2')) else _from_old
        return [
            read({key: value for key, value in entry.items() if key != 'uuid' or value} | _ids(entry))
            for entry in entries
        ]
    except (ValueError, TypeError, AttributeError) as failure:
        raise errors.Invalid(f'The block_device_mapping of image {image.id} is damaged.') from failure


def _ids(entry: dict[str, Any]) -> dict[str, Any]:
    """Images name the source by a key of its own, such as snapshot_id."""
    ident = entry.get(f'{entry.get("source_type")}_id')
    return {'uuid': ident} if ident else {}


def _with_sizes(devices: Sequence[BlockDevice], flavor: Flavor) -> list[BlockDevice]:
    """The same disks with those that the flavor makes, which take the flavor's size if they name none."""
    swaps = [device for device in devices if device.is_swap]
    ephemerals = [device for device in devices if device.is_ephemeral]
    if len(swaps) > 1:
        raise errors.Invalid('More than one swap drive requested.')
    if sum(device.size or max(flavor.ephemeral_gb, 1) for device in ephemerals) > flavor.ephemeral_gb:
        raise errors.Invalid(
            'Ephemeral disks requested are larger than the instance type allows. '
            'If no size is given in one block device mapping, flavor ephemeral size will be used.'
        )
    if sum(device.size or max(flavor.swap_mb, 1) for device in swaps) > flavor.swap_mb:
        raise errors.Invalid('Swap drive requested is larger than instance type allows.')
    found = list(devices)
    if flavor.ephemeral_gb and not ephemerals:
        found.append(BlockDevice(BLANK, LOCAL, delete_on_termination=True))
    if flavor.swap_mb and not swaps:
        found.append(BlockDevice(BLANK, LOCAL, guest_format=SWAP, delete_on_termination=True))
    return [_sized(device, flavor) for device in found]


def _sized(device: BlockDevice, flavor: Flavor) -> BlockDevice:
    if device.source_type != BLANK or not device.on_host:
        return device
    size = flavor.swap_mb if device.is_swap else flavor.ephemeral_gb
    return dataclasses.replace(device, size=device.size or size)


def _refuse_bad_sequence(devices: Sequence[BlockDevice]) -> None:
    """Booted are 0, 1, ... without a gap; what is empty on the host cannot be."""
    indices = sorted(device.boot_index for device in devices if device.boot_index is not None)
    if not indices or indices != list(range(len(indices))):
        raise errors.Invalid(_SEQUENCE)
    if any(device.boot_index is not None for device in devices if device.is_swap or device.is_ephemeral):
        raise errors.Invalid(_SEQUENCE)


def _refuse_repeated(devices: Sequence[BlockDevice]) -> None:
    for field in ('volume_id', 'device_name', 'tag'):
        given = [value for device in devices if (value := getattr(device, field))]
        if len(set(given)) < len(given):
            raise errors.Invalid(f'{_INVALID}The same {field} is given for two devices.')
