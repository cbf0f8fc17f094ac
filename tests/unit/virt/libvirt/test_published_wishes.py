"""Each published extra spec and image property is obeyed, given to the scheduler, or known to be neither."""

import csv
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from nova.domain import guest_wishes, image_properties
from nova.domain.guest_wishes import Wishes
from nova.virt.libvirt.disk import Disk, Role
from nova.virt.libvirt.domain_xml.domain import domain_xml
from tests.unit.virt.libvirt.samples import a_flavor, a_guest, a_port, an_image, some_settings

TABLES = Path(__file__).parents[3] / 'published_tables'
DISKS = (Disk(Role.ROOT, 'qcow2', 1 << 30), Disk(Role.CONFIG, 'raw', 0, 'cdrom'))
NAMESPACES = ('hw:', 'hw_rng:', 'hw_video:', 'os:', 'quota:', 'hide_hypervisor_id', 'accel:', 'pci_passthrough:')
SECRET = '3b1f4c5d-0000-4000-8000-00000000000a'

LATER = 'no host can give it yet, which the scheduler says'
ELSEWHERE = 'means something to another hypervisor alone'
API = 'is used by the API, the operations or the image service'
SCHEDULER = 'is used by the scheduler'
# Needs one of LATER, with which it is refused.
COMPANION = 'says more of what no host can give yet'

# A value, and where it shows in the domain (with what else is needed for it); or the reason why it does not.
TPM = {'hw_machine_type': 'q35', 'hw_tpm_version': '2.0'}
UEFI = {'hw_firmware_type': 'uefi', 'hw_machine_type': 'q35'}
SHAPES: dict[str, tuple] = {
    'boot_menu': ('true', "os/bootmenu[@enable='yes']"),
    'cpu_cores': ('2', "cpu/topology[@cores='2']"),
    'cpu_max_cores': ('1', "cpu/topology[@cores='1']"),
    'cpu_max_sockets': ('1', "cpu/topology[@sockets='1']"),
    'cpu_max_threads': ('1', "cpu/topology[@threads='1']"),
    'cpu_sockets': ('1', "cpu/topology[@sockets='1']"),
    'cpu_threads': ('2', "cpu/topology[@threads='2']"),
    'hide_hypervisor_id': ('true', "features/kvm/hidden[@state='on']"),
    'pmu': ('false', "features/pmu[@state='off']"),
    'serial_port_count': ('3', "devices/serial/target[@port='2']"),
    'sound_model': ('ich9', "devices/sound[@model='ich9']"),
    'tpm_model': ('tpm-crb', "devices/tpm[@model='tpm-crb']", TPM),
    'tpm_version': ('1.2', "devices/tpm/backend[@version='1.2']"),
    'usb_model': ('qemu-xhci', "devices/controller[@model='qemu-xhci']"),
    'vif_multiqueue_enabled': ('true', "devices/interface/driver[@queues='4']"),
    'viommu_model': ('virtio', "devices/iommu[@model='virtio']", {'hw_machine_type': 'q35'}),
    'virtio_packed_ring': ('true', "devices/interface/driver[@packed='on']"),
    'watchdog_action': ('pause', "devices/watchdog[@action='pause']"),
}
PROPERTIES: dict[str, Any] = {
    **{f'hw_{name}': shape for name, shape in SHAPES.items() if name != 'hide_hypervisor_id'},
    'hw_cdrom_bus': ('scsi', "devices/disk[@device='cdrom']/target[@bus='scsi']"),
    'hw_disk_bus': ('scsi', "devices/disk[@device='disk']/target[@bus='scsi']"),
    'hw_emulation_architecture': ('aarch64', "os/type[@arch='aarch64']"),
    'hw_firmware_stateless': ('true', "os/loader[@stateless='yes']", UEFI),
    'hw_firmware_type': ('uefi', "os[@firmware='efi']"),
    'hw_input_bus': ('virtio', "devices/input[@bus='virtio']"),
    'hw_machine_type': ('q35', "os/type[@machine='q35']"),
    'hw_maxphysaddr_bits': ('42', "cpu/maxphysaddr[@bits='42']", {'hw_maxphysaddr_mode': 'emulate'}),
    'hw_maxphysaddr_mode': ('passthrough', "cpu/maxphysaddr[@mode='passthrough']"),
    'hw_pointer_model': ('usbtablet', "devices/input[@type='tablet'][@bus='usb']"),
    'hw_qemu_guest_agent': ('yes', "devices/channel/target[@name='org.qemu.guest_agent.0']"),
    'hw_rng_model': ('virtio', "devices/rng[@model='virtio']"),
    'hw_scsi_model': ('lsilogic', "devices/controller[@model='lsilogic']", {'hw_disk_bus': 'scsi'}),
    'hw_time_hpet': ('true', "clock/timer[@name='hpet'][@present='yes']"),
    'hw_video_model': ('qxl', "devices/video/model[@type='qxl']"),
    'hw_video_ram': ('16', "devices/video/model[@vram='16384']"),
    'hw_vif_model': ('e1000', "devices/interface/model[@type='e1000']"),
    'img_hide_hypervisor_id': ('true', "features/kvm/hidden[@state='on']"),
    'os_secure_boot': ('required', "os/loader[@secure='yes']", UEFI),
    'os_type': ('windows', "clock[@offset='localtime']"),
    **dict.fromkeys(
        ('hw_cpu_policy', 'hw_ephemeral_encryption', 'hw_locked_memory', 'hw_mem_encryption', 'hw_mem_page_size',
         'hw_numa_cpus', 'hw_numa_mem', 'hw_numa_nodes', 'hw_redirected_usb_ports'), LATER,
    ),
    **dict.fromkeys(
        ('hw_cpu_realtime_mask', 'hw_cpu_thread_policy', 'hw_ephemeral_encryption_format',
         'hw_ephemeral_encryption_secret_uuid', 'hw_mem_encryption_model', 'hw_pci_numa_affinity_policy'), COMPANION,
    ),
    **dict.fromkeys(
        ('hw_device_id', 'hw_disk_type', 'hw_floppy_bus', 'hw_ipxe_boot', 'img_bittorrent', 'img_cache_in_nova',
         'img_compression_level', 'img_hv_requested_version', 'img_linked_clone', 'img_use_agent',
         'os_skip_agent_inject_files_at_boot', 'os_skip_agent_inject_ssh'), ELSEWHERE,
    ),
    **dict.fromkeys(('hw_architecture', 'hw_vm_mode', 'img_hv_type', 'traits_required'), SCHEDULER),
    **dict.fromkeys(
        ('hw_auto_disk_config', 'hw_rescue_bus', 'hw_rescue_device', 'img_bdm_v2', 'img_block_device_mapping',
         'img_config_drive', 'img_mappings', 'img_owner_id', 'img_root_device_name', 'img_signature',
         'img_signature_certificate_uuid', 'img_signature_hash_method', 'img_signature_key_type', 'img_version',
         'os_admin_user', 'os_command_line', 'os_distro', 'os_require_quiesce'), API,
    ),
}  # fmt: skip
SPECS: dict[str, Any] = {
    **{f'hw:{name}': shape for name, shape in SHAPES.items()},
    'hide_hypervisor_id': SHAPES['hide_hypervisor_id'],
    'hw_rng:allowed': ('true', 'devices/rng'),
    'hw_rng:rate_bytes': ('5', "devices/rng/rate[@bytes='5']"),
    'hw_rng:rate_period': ('1000', "devices/rng/rate[@period='1000']"),
    'hw_video:ram_max_mb': ('16', "devices/video/model[@vram='16384']", {'hw_video_ram': '16'}),
    'os:secure_boot': ('required', "os/loader[@secure='yes']", UEFI),
    'quota:cpu_period': ('10000', 'cputune/period'),
    'quota:cpu_quota': ('10000', 'cputune/quota'),
    'quota:cpu_shares': ('10', 'cputune/shares'),
    **{
        f'quota:disk_{what}_sec': ('7', f'devices/disk/iotune/{what}_sec')
        for what in ('read_bytes', 'read_iops', 'total_bytes', 'total_iops', 'write_bytes', 'write_iops')
    },
    **{
        f'quota:vif_{way}_{rate}': ('9', f"devices/interface/bandwidth/{way}[@{rate}='9']")
        for way in ('inbound', 'outbound')
        for rate in ('average', 'burst', 'peak')
    },
    **dict.fromkeys(
        ('accel:device_profile', 'hw:cpu_dedicated_mask', 'hw:cpu_policy', 'hw:cpu_realtime',
         'hw:emulator_threads_policy', 'hw:ephemeral_encryption', 'hw:locked_memory', 'hw:mem_encryption',
         'hw:mem_page_size', 'hw:numa_cpus.{num}', 'hw:numa_mem.{num}', 'hw:numa_nodes', 'hw:pmem',
         'hw:redirected_usb_ports', 'hw:tpm_secret_security', 'pci_passthrough:alias'), LATER,
    ),
    **dict.fromkeys(
        ('hw:cpu_realtime_mask', 'hw:cpu_thread_policy', 'hw:ephemeral_encryption_format', 'hw:mem_encryption_model',
         'hw:pci_numa_affinity_policy'), COMPANION,
    ),
    **{
        f'quota:{what}_{how}': ELSEWHERE
        for what in ('cpu', 'disk_io', 'memory', 'vif')
        for how in ('limit', 'reservation', 'shares_level', 'shares_share')
    },
}  # fmt: skip
ASKING = {'hw:cpu_policy': 'dedicated', 'hw_cpu_policy': 'dedicated', 'hw:tpm_secret_security': 'host'}


def published(name: str, column: str) -> set[str]:
    with open(TABLES / name, newline='') as file:
        return {row[column] for row in csv.DictReader(file)}


def test_each_property_has_its_place():
    assert set(PROPERTIES) == published('image_properties.csv', 'property')
    assert set(PROPERTIES) <= image_properties.KNOWN


def test_each_extra_spec_has_its_place():
    names = {name for name in published('extra_specs.csv', 'name') if name.startswith(NAMESPACES)}
    assert set(SPECS) == names


def domain(specs, properties):
    specs = {'hw_rng:rate_bytes': '5', 'hw_video:ram_max_mb': '16', **specs}
    for name in tuple(specs):
        if name.startswith('quota:vif_'):
            specs.setdefault(f'{name.rpartition("_")[0]}_average', '1')
    xml = domain_xml(
        a_guest(a_flavor(vcpus=4, extra_specs=specs), an_image(properties=properties), (a_port(),)),
        DISKS,
        some_settings(swtpm_enabled=True),
        cache_mode='none',
        serial=None,
        tpm_secret=SECRET,
    )
    return ElementTree.fromstring(f'<all>{xml}</all>')


@pytest.mark.parametrize('name', [name for name, shape in PROPERTIES.items() if isinstance(shape, tuple)])
def test_a_property_shapes_the_guest(name):
    value, path, *more = PROPERTIES[name]
    assert image_properties.refusal(name, value) is None
    assert domain({}, {**(more[0] if more else {}), name: value}).find(f'domain/{path}') is not None


@pytest.mark.parametrize('name', [name for name, shape in SPECS.items() if isinstance(shape, tuple)])
def test_an_extra_spec_shapes_the_guest(name):
    value, path, *more = SPECS[name]
    assert domain({name: value}, more[0] if more else {}).find(f'domain/{path}') is not None


@pytest.mark.parametrize('name', [name for name, place in {**SPECS, **PROPERTIES}.items() if place == LATER])
def test_what_no_host_can_give_is_said_and_not_left_out(name):
    key, value = name.replace('{num}', '0'), ASKING.get(name, '1')
    wishes = Wishes({key: value}, {}) if ':' in key else Wishes({}, {key: value})
    assert key in guest_wishes.beyond(wishes)
