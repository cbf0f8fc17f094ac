"""What an image's properties may say, where that is known."""

import re
from collections.abc import Mapping
from typing import Any

from nova import errors

BUSES = ('fdc', 'ide', 'sata', 'scsi', 'usb', 'virtio', 'xen', 'lxc', 'uml')
ARCHITECTURES = (
    'alpha', 'armv6', 'armv7l', 'armv7b', 'aarch64', 'cris', 'i686', 'ia64', 'lm32', 'm68k', 'microblaze', 'microblazeel',
    'mips', 'mipsel', 'mips64', 'mips64el', 'openrisc', 'parisc', 'parisc64', 'ppc', 'ppcle', 'ppc64', 'ppc64le', 'ppcemb',
    's390', 's390x', 'sh4', 'sh4eb', 'sparc', 'sparc64', 'unicore32', 'x86_64', 'xtensa', 'xtensaeb',
    # Other names of some of them.
    'amd64', 'x64', 'i386', 'i486', 'i586', 'x86', 'arm64',
)  # fmt: skip
SAME_ARCHITECTURE = {
    'amd64': 'x86_64',
    'x64': 'x86_64',
    'i386': 'i686',
    'i486': 'i686',
    'i586': 'i686',
    'x86': 'i686',
    'arm64': 'aarch64',
}
_HYPERVISORS = (
    'baremetal', 'bhyve', 'docker', 'fake', 'hyperv', 'ironic', 'kqemu', 'kvm', 'lxc', 'lxd', 'openvz', 'parallels',
    'phyp', 'qemu', 'test', 'uml', 'vbox', 'vz', 'vmware', 'xen', 'xapi', 'zvm', 'prsm',
)  # fmt: skip
_MODES = ('hvm', 'xen', 'uml', 'exe', 'hv', 'pv')

CHOICES: dict[str, tuple[str, ...]] = {
    'hw_architecture': ARCHITECTURES,
    'architecture': ARCHITECTURES,
    'hw_emulation_architecture': ARCHITECTURES,
    'img_hv_type': _HYPERVISORS,
    'hypervisor_type': _HYPERVISORS,
    'hw_vm_mode': _MODES,
    'vm_mode': _MODES,
    'hw_cdrom_bus': BUSES,
    'hw_disk_bus': BUSES,
    'hw_floppy_bus': BUSES,
    'hw_rescue_bus': BUSES,
    'hw_rescue_device': ('cdrom', 'disk', 'floppy', 'fs', 'lun'),
    'hw_cpu_policy': ('dedicated', 'shared', 'mixed'),
    'hw_cpu_thread_policy': ('prefer', 'isolate', 'require'),
    'hw_ephemeral_encryption_format': ('plain', 'luks', 'luksv2'),
    'hw_firmware_type': ('uefi', 'bios'),
    'hw_input_bus': ('usb', 'virtio'),
    'hw_maxphysaddr_mode': ('passthrough', 'emulate'),
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
    'hw_usb_model': ('none', 'nec-xhci', 'qemu-xhci'),
    'hw_video_model': ('cirrus', 'qxl', 'vga', 'vmvga', 'xen', 'virtio', 'gop', 'none', 'bochs'),
    'hw_vif_model': (
        'virtio', 'ne2k_pci', 'pcnet', 'rtl8139', 'e1000', 'e1000e', 'netfront', 'spapr-vlan', 'lan9118', 'sriov',
        'vmxnet', 'vmxnet3', 'igb',
    ),
    'hw_viommu_model': ('intel', 'smmuv3', 'virtio', 'auto'),
    'hw_watchdog_action': ('none', 'pause', 'poweroff', 'reset', 'disabled'),
    'img_config_drive': ('optional', 'mandatory'),
    'img_signature_hash_method': ('SHA-224', 'SHA-256', 'SHA-384', 'SHA-512'),
    'img_signature_key_type': (
        'DSA', 'ECC_SECP384R1', 'ECC_SECP521R1', 'ECC_SECT409K1', 'ECC_SECT409R1', 'ECC_SECT571K1', 'ECC_SECT571R1',
        'RSA-PSS',
    ),
    'os_secure_boot': ('required', 'disabled', 'optional'),
    'os_type': ('linux', 'windows'),
}  # fmt: skip
# These are compared without regard to case.
_ANY_CASE = frozenset({'hw_architecture', 'architecture', 'img_hv_type', 'hypervisor_type', 'hw_vm_mode', 'vm_mode'})
NUMBERS = (
    'hw_cpu_cores', 'hw_cpu_max_cores', 'hw_cpu_max_sockets', 'hw_cpu_max_threads', 'hw_cpu_sockets', 'hw_cpu_threads',
    'hw_maxphysaddr_bits', 'hw_numa_nodes', 'hw_redirected_usb_ports', 'hw_serial_port_count', 'hw_video_ram',
)  # fmt: skip
# Anything that is not a yes is a no, as it always was.
BOOLEANS = (
    'hw_auto_disk_config', 'hw_boot_menu', 'hw_ephemeral_encryption', 'hw_firmware_stateless', 'hw_ipxe_boot',
    'hw_locked_memory', 'hw_mem_encryption', 'hw_pmu', 'hw_qemu_guest_agent', 'hw_time_hpet',
    'hw_vif_multiqueue_enabled', 'hw_virtio_packed_ring', 'img_bdm_v2', 'img_bittorrent', 'img_cache_in_nova',
    'img_hide_hypervisor_id', 'img_linked_clone', 'img_use_agent', 'os_require_quiesce',
    'os_skip_agent_inject_files_at_boot', 'os_skip_agent_inject_ssh',
)  # fmt: skip
# Words that mean something to somebody else, or that are looked at where they are used.
TEXTS = (
    'hw_cpu_realtime_mask', 'hw_device_id', 'hw_disk_type', 'hw_ephemeral_encryption_secret_uuid', 'hw_machine_type',
    'hw_mem_page_size', 'hw_numa_cpus', 'hw_numa_mem', 'img_block_device_mapping', 'img_compression_level',
    'img_hv_requested_version', 'img_mappings', 'img_owner_id', 'img_root_device_name', 'img_signature',
    'img_signature_certificate_uuid', 'img_version', 'os_admin_user', 'os_command_line', 'os_distro',
    'traits_required',
)  # fmt: skip
KNOWN = frozenset((*CHOICES, *NUMBERS, *BOOLEANS, *TEXTS))


def refusal(name: str, value: Any) -> str | None:
    """Why a property must not have this value; None if it may, or if nothing is known of it."""
    if value in (None, ''):
        return None
    text = str(value)
    choices = CHOICES.get(name)
    if choices and (text.lower() if name in _ANY_CASE else text) not in choices:
        return f'{name} is {text[:64]!r}, and must be one of {", ".join(choices)}.'
    if name in NUMBERS and not re.fullmatch(r'\s*[0-9]{1,9}\s*', text):
        return f'{name} is {text[:64]!r}, and must be a number.'
    return None


def refuse_unknown_values(properties: Mapping[str, Any]) -> None:
    """Raise Invalid if a property has a value that means nothing."""
    for name, value in properties.items():
        if why := refusal(name, value):
            raise errors.Invalid(f'Invalid image metadata. Error: {why}')
