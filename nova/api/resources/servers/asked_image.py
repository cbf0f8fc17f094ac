"""Which image a request boots from, and whether a server of its flavor can."""

import re
import uuid
from collections.abc import Sequence
from typing import Any

from nova import errors
from nova.api.request import Request
from nova.domain.block_device import IMAGE, BlockDevice
from nova.domain.flavor import Flavor
from nova.domain.image import Image

BYTES_PER_GB = 1 << 30
_BUSES = ('fdc', 'ide', 'sata', 'scsi', 'usb', 'virtio', 'xen', 'lxc', 'uml')
_ARCHITECTURES = (
    'alpha', 'armv6', 'armv7l', 'armv7b', 'aarch64', 'cris', 'i686', 'ia64', 'lm32', 'm68k', 'microblaze', 'microblazeel',
    'mips', 'mipsel', 'mips64', 'mips64el', 'openrisc', 'parisc', 'parisc64', 'ppc', 'ppcle', 'ppc64', 'ppc64le', 'ppcemb',
    's390', 's390x', 'sh4', 'sh4eb', 'sparc', 'sparc64', 'unicore32', 'x86_64', 'xtensa', 'xtensaeb',
    # Other names of some of them.
    'amd64', 'x64', 'i386', 'i486', 'i586', 'x86', 'arm64',
)  # fmt: skip
_HYPERVISORS = (
    'baremetal', 'bhyve', 'docker', 'fake', 'hyperv', 'ironic', 'kqemu', 'kvm', 'lxc', 'lxd', 'openvz', 'parallels',
    'phyp', 'qemu', 'test', 'uml', 'vbox', 'vz', 'vmware', 'xen', 'xapi', 'zvm', 'prsm',
)  # fmt: skip
_MODES = ('hvm', 'xen', 'uml', 'exe', 'hv', 'pv')
# What a property may be, where that is a list; others mean something to one kind of host only.
_CHOICES: dict[str, Sequence[str]] = {
    'hw_architecture': _ARCHITECTURES,
    'architecture': _ARCHITECTURES,
    'hw_emulation_architecture': _ARCHITECTURES,
    'img_hv_type': _HYPERVISORS,
    'hypervisor_type': _HYPERVISORS,
    'hw_vm_mode': _MODES,
    'vm_mode': _MODES,
    'hw_cdrom_bus': _BUSES,
    'hw_disk_bus': _BUSES,
    'hw_floppy_bus': _BUSES,
    'hw_rescue_bus': _BUSES,
    'hw_rescue_device': ('cdrom', 'disk', 'floppy', 'fs', 'lun'),
    'hw_cpu_policy': ('dedicated', 'shared', 'mixed'),
    'hw_cpu_thread_policy': ('prefer', 'isolate', 'require'),
    'hw_firmware_type': ('uefi', 'bios'),
    'hw_input_bus': ('usb', 'virtio'),
    'hw_mem_encryption_model': ('amd-sev', 'amd-sev-es', 'amd-sev-snp', 'intel-tdx'),
    'hw_pci_numa_affinity_policy': ('required', 'legacy', 'preferred', 'socket'),
    'hw_pointer_model': ('usbtablet',),
    'hw_rng_model': ('virtio',),
    'hw_scsi_model': (
        'buslogic', 'ibmvscsi', 'lsilogic', 'lsisas1068', 'lsisas1078', 'virtio-scsi', 'vmpvscsi',
    ),
    'hw_sound_model': ('sb16', 'es1370', 'pcspk', 'ac97', 'ich6', 'ich9', 'usb', 'virtio'),
    'hw_tpm_model': ('tpm-tis', 'tpm-crb'),
    'hw_tpm_version': ('1.2', '2.0'),
    'hw_video_model': ('cirrus', 'qxl', 'vga', 'vmvga', 'xen', 'virtio', 'gop', 'none', 'bochs'),
    'hw_vif_model': (
        'virtio', 'ne2k_pci', 'pcnet', 'rtl8139', 'e1000', 'e1000e', 'netfront', 'spapr-vlan', 'lan9118', 'sriov',
        'vmxnet', 'vmxnet3', 'igb',
    ),
    'hw_viommu_model': ('intel', 'smmuv3', 'virtio', 'auto'),
    'hw_watchdog_action': ('none', 'pause', 'poweroff', 'reset', 'disabled'),
    'img_config_drive': ('optional', 'mandatory'),
    'img_signature_hash_method': ('SHA-224', 'SHA-256', 'SHA-384', 'SHA-512'),
    'os_secure_boot': ('required', 'disabled', 'optional'),
}  # fmt: skip
# These are compared without regard to case.
_ANY_CASE = frozenset({'hw_architecture', 'architecture', 'img_hv_type', 'hypervisor_type', 'hw_vm_mode', 'vm_mode'})
_NUMBERS = (
    'hw_cpu_cores', 'hw_cpu_max_cores', 'hw_cpu_max_sockets', 'hw_cpu_max_threads', 'hw_cpu_sockets', 'hw_cpu_threads',
    'hw_numa_nodes', 'hw_serial_port_count', 'hw_video_ram',
)  # fmt: skip
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
    _refuse_unknown_properties(image)
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


def _refuse_unknown_properties(image: Image) -> None:
    for name, choices in _CHOICES.items():
        value = image.properties.get(name)
        if value in (None, ''):
            continue
        text = str(value).lower() if name in _ANY_CASE else str(value)
        if text not in choices:
            raise _bad_property(f'{name} is {str(value)[:64]!r}, and must be one of {", ".join(choices)}.')
    for name in _NUMBERS:
        value = image.properties.get(name)
        if value not in (None, '') and not re.fullmatch(r'\s*[0-9]{1,9}\s*', str(value)):
            raise _bad_property(f'{name} is {str(value)[:64]!r}, and must be a number.')


def _bad_property(why: str) -> errors.Invalid:
    return errors.Invalid(f'Invalid image metadata. Error: {why}')
