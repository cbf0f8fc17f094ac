"""Guests and the domains that they become, compared with files that libvirt's own schema accepts."""

import dataclasses
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import libvirt
import pytest

from nova import errors
from nova.virt.libvirt.disk import Disk, Role
from nova.virt.libvirt.domain_xml import processor
from nova.virt.libvirt.domain_xml.domain import domain_xml
from nova.virt.libvirt.domain_xml.wishes import Wishes
from tests.unit.virt.libvirt.samples import a_flavor, a_guest, a_port, an_image, some_settings

GOLDEN = Path(__file__).parent / 'golden'
# Set this to write the files anew; then look at what changed.
REWRITE = 'REWRITE_GOLDEN_FILES'
GIB = 1 << 30
ROOT = Disk(Role.ROOT, 'qcow2', GIB)
CONFIG_CD = Disk(Role.CONFIG, 'raw', 0, 'cdrom')


def _with(**properties: Any) -> Any:
    return an_image(properties=properties)


CASES: dict[str, dict[str, Any]] = {
    'plain': {'guest': a_guest(ports=(a_port(),))},
    'config-drive': {'guest': a_guest(), 'disks': (ROOT, CONFIG_CD)},
    'config-drive-vfat': {'guest': a_guest(), 'disks': (ROOT, Disk(Role.CONFIG, 'raw', 0))},
    'more-disks': {
        'guest': a_guest(a_flavor(ephemeral_gb=2, swap_mb=64)),
        'disks': (ROOT, Disk(Role.EPHEMERAL, 'raw', 2 * GIB), Disk(Role.SWAP, 'raw', 64 << 20), CONFIG_CD),
        'settings': {'discard': 'unmap', 'cache_modes': {'file': 'writeback'}},
        'cache_mode': 'writeback',
    },
    'image-wishes': {
        'guest': a_guest(
            a_flavor(vcpus=4, extra_specs={'hw:watchdog_action': 'reset', 'hw_video:ram_max_mb': '64'}),
            _with(
                hw_disk_bus='scsi',
                hw_vif_model='e1000',
                hw_video_model='vga',
                hw_video_ram=64,
                hw_qemu_guest_agent='yes',
                hw_rng_model='virtio',
                hw_input_bus='virtio',
                hw_cpu_cores=2,
                hw_boot_menu='true',
                hw_watchdog_action='poweroff',
                hw_sound_model='ich6',
                hw_usb_model='qemu-xhci',
                hw_serial_port_count=2,
            ),
            (a_port(),),
        ),
        'disks': (ROOT, CONFIG_CD),
    },
    'uefi-q35': {
        'guest': a_guest(a_flavor(vcpus=2), _with(hw_firmware_type='uefi', hw_machine_type='q35')),
        'disks': (ROOT, CONFIG_CD),
        'settings': {'pcie_ports': 3},
    },
    'secure-boot': {
        'guest': a_guest(image=_with(hw_firmware_type='uefi', hw_machine_type='q35', os_secure_boot='required'))
    },
    'windows': {'guest': a_guest(image=_with(os_type='windows', hw_time_hpet='yes'))},
    'hidden-hypervisor': {'guest': a_guest(a_flavor(extra_specs={'hw:hide_hypervisor_id': 'True', 'hw:pmu': 'no'}))},
    'kvm': {
        'guest': a_guest(a_flavor(vcpus=6, extra_specs={'hw:cpu_sockets': '1', 'hw:cpu_threads': '2'})),
        'settings': {'virt_type': 'kvm', 'shared_cpus': frozenset({2, 3, 4, 7}), 'cpu_flags': ('+pcid', '-svm')},
    },
    'host-passthrough': {
        'guest': a_guest(),
        'settings': {'virt_type': 'kvm', 'cpu_mode': 'host-passthrough'},
    },
    'custom-cpu': {
        'guest': a_guest(),
        'settings': {'cpu_mode': 'custom', 'cpu_models': ('Nehalem', 'Skylake-Client'), 'cpu_flags': ('aes',)},
    },
    'iso-image': {
        'guest': a_guest(image=an_image(disk_format='iso')),
        'disks': (Disk(Role.ROOT, 'qcow2', GIB, 'cdrom'),),
    },
    'no-screen': {
        'guest': a_guest(a_flavor(extra_specs={'hw_rng:allowed': 'false'})),
        'settings': {'vnc_enabled': False, 'memory_stats_period': 0},
        'serial': None,
    },
    'limited-randomness': {
        'guest': a_guest(a_flavor(extra_specs={'hw_rng:rate_bytes': '2048', 'hw_rng:rate_period': '1000'})),
        'settings': {'rng_device': '/dev/hwrng'},
    },
    'memory-in-files': {
        'guest': a_guest(),
        'settings': {'file_backed_memory': 4096},
    },
    'workarounds': {
        'guest': a_guest(ports=(a_port(),)),
        'settings': {'apic': False, 'nic_model': None},
    },
    'iommu-with-kvm': {
        'guest': a_guest(a_flavor(extra_specs={'hw:viommu_model': 'intel'}), _with(hw_machine_type='q35')),
        'settings': {'virt_type': 'kvm'},
    },
    'randomness-without-limit': {
        'guest': a_guest(a_flavor(extra_specs={'hw_rng:rate_bytes': '0', 'hw_rng:rate_period': '5'})),
    },
    'many-queues': {
        'guest': a_guest(
            a_flavor(vcpus=2),
            _with(hw_vif_multiqueue_enabled='true'),
            (a_port(vif_type='ovs', vif_details={'bridge_name': 'br-int'}), a_port(vif_type='tap', admin_up=False)),
        )
    },
    'arm': {
        'guest': a_guest(),
        'disks': (ROOT, CONFIG_CD),
        'settings': {'arch': 'aarch64'},
    },
    'machine-type-option': {
        'guest': a_guest(),
        'disks': (ROOT, CONFIG_CD),
        'settings': {'machine_types': {'x86_64': 'pc-q35-7.2', 'aarch64': 'virt'}, 'disk_prefix': 'xvd'},
    },
    'limits': {
        'guest': a_guest(
            a_flavor(
                extra_specs={
                    'quota:cpu_shares': '512',
                    'quota:cpu_period': '20000',
                    'quota:cpu_quota': '10000',
                    'quota:disk_read_bytes_sec': '10485760',
                    'quota:disk_write_iops_sec': '100',
                    'quota:vif_inbound_average': '32768',
                    'quota:vif_outbound_average': '32768',
                    'quota:vif_outbound_peak': '65536',
                    'quota:vif_outbound_burst': '65536',
                    'quota:disk_total_iops_sec': '0',
                }
            ),
            ports=(a_port(),),
        ),
        'disks': (ROOT, CONFIG_CD),
    },
    'tpm': {
        'guest': a_guest(
            a_flavor(extra_specs={'hw:tpm_version': '2.0', 'hw:tpm_model': 'tpm-crb'}), _with(hw_machine_type='q35')
        ),
        'settings': {'swtpm_enabled': True},
        'tpm_secret': '3b1f4c5d-0000-4000-8000-00000000000a',
    },
    'secure-boot-if-it-can-be': {
        'guest': a_guest(image=_with(hw_firmware_type='uefi', os_secure_boot='optional')),
    },
    'stateless-firmware': {
        'guest': a_guest(image=_with(hw_firmware_type='uefi', hw_firmware_stateless='true', hw_machine_type='q35')),
    },
    'another-architecture': {
        'guest': a_guest(image=_with(hw_emulation_architecture='aarch64', hw_video_model='virtio')),
        'disks': (ROOT, CONFIG_CD),
        'settings': {'virt_type': 'kvm', 'cpu_mode': 'host-passthrough', 'cpu_flags': ('aes',)},
    },
    'iommu': {
        'guest': a_guest(
            a_flavor(extra_specs={'hw:viommu_model': 'intel', 'hw:maxphysaddr_mode': 'emulate'}),
            _with(hw_machine_type='q35', hw_maxphysaddr_bits=42),
        ),
    },
    'packed-rings': {
        'guest': a_guest(image=_with(hw_virtio_packed_ring='yes'), ports=(a_port(),)),
        'disks': (ROOT, Disk(Role.SWAP, 'raw', 64 << 20), CONFIG_CD),
        'settings': {'preallocate': True, 'rx_queue_size': 512, 'tx_queue_size': 256, 'tb_cache_mb': 32},
    },
    'ps2-mouse': {'guest': a_guest(), 'settings': {'pointer_model': 'ps2mouse'}},
    'hidden-windows': {
        'guest': a_guest(image=_with(os_type='windows', img_hide_hypervisor_id='true')),
        'settings': {'virt_type': 'kvm'},
    },
    'recorded-machine': {
        'guest': a_guest(system_metadata={'image_hw_machine_type': 'pc-q35-7.2'}),
        'disks': (ROOT, CONFIG_CD),
    },
    'model-by-trait': {
        'guest': a_guest(),
        'settings': {'cpu_mode': 'custom', 'cpu_models': ('Nehalem', 'Skylake-Client')},
        'cpu_model': 'Skylake-Client',
    },
    'strange-name': {'guest': a_guest(name='<b>&"\'\x00\x1b\ud800 ünïcode 🐧 ]]>')},
}


def _domain(case: dict[str, Any]) -> str:
    return domain_xml(
        case['guest'],
        case.get('disks', (ROOT,)),
        some_settings(**case.get('settings', {})),
        cache_mode=case.get('cache_mode', 'none'),
        serial=case.get('serial', case['guest'].id),
        cpu_model=case.get('cpu_model'),
        tpm_secret=case.get('tpm_secret'),
    )


@pytest.mark.parametrize('name', CASES)
def test_a_guest_becomes_the_domain_in_its_file(name):
    made, file = _domain(CASES[name]), GOLDEN / f'{name}.xml'
    if os.environ.get(REWRITE):
        file.write_text(made, encoding='utf-8')
    assert made == file.read_text(encoding='utf-8')


def test_every_file_has_its_case():
    assert {file.stem for file in GOLDEN.glob('*.xml')} == set(CASES)


@pytest.fixture(scope='module')
def test_driver():
    connection = libvirt.open('test:///default')
    yield connection
    connection.close()


@pytest.mark.parametrize('name', CASES)
def test_libvirt_accepts_the_domain(test_driver, name):
    root = ElementTree.fromstring(_domain(CASES[name]))
    # libvirt's driver for tests takes domains of its own type only; for the rest it is as strict as any.
    root.set('type', 'test')
    flags = libvirt.VIR_DOMAIN_DEFINE_VALIDATE
    domain = test_driver.defineXMLFlags(ElementTree.tostring(root, encoding='unicode'), flags)
    try:
        assert domain.UUIDString() == CASES[name]['guest'].id
    finally:
        domain.undefine()


def test_a_name_cannot_break_out_of_its_element():
    guest = a_guest(name='</nova:name></nova:instance></metadata><os/>')
    root = ElementTree.fromstring(domain_xml(guest, (ROOT,), some_settings(), cache_mode='none', serial=None))
    assert len(root.findall('os')) == 1
    assert [element.text for element in root.iter('{http://openstack.org/xmlns/libvirt/nova/1.1}name')] == [
        guest.server.name
    ]


@pytest.mark.parametrize(
    ('guest', 'error', 'says'),
    [
        (a_guest(image=_with(hw_disk_bus='floppy')), errors.ImageUnacceptable, 'hw_disk_bus is "floppy"'),
        (a_guest(image=_with(hw_disk_bus='fdc')), errors.ImageUnacceptable, 'hw_disk_bus is "fdc"'),
        (a_guest(image=_with(hw_vif_model='sriov'), ports=(a_port(),)), errors.ImageUnacceptable, 'hw_vif_model'),
        (a_guest(image=_with(hw_cpu_cores='two')), errors.ImageUnacceptable, 'not a number'),
        (a_guest(image=_with(hw_firmware_type='uefi', os_secure_boot='required')), errors.ImageUnacceptable, 'q35'),
        (a_guest(image=_with(hw_video_ram=64)), errors.ImageUnacceptable, 'hw_video:ram_max_mb'),
        (a_guest(image=_with(hw_viommu_model='intel')), errors.ImageUnacceptable, 'q35'),
        (a_guest(image=_with(hw_tpm_version='2.0')), errors.NotImplementedHere, 'swtpm_enabled'),
        (a_guest(a_flavor(extra_specs={'hw:cpu_policy': 'dedicated'})), errors.NotImplementedHere, 'hw:cpu_policy'),
        (a_guest(ports=(a_port(vif_type='binding_failed'),)), errors.HostFailed, 'binding_failed'),
        (a_guest(ports=(a_port(vnic_type='direct'),)), errors.NotImplementedHere, 'direct'),
        (
            a_guest(ports=(a_port(network=dataclasses.replace(a_port().network, bridge=None)),)),
            errors.HostFailed,
            'no bridge',
        ),
    ],
)
def test_what_cannot_be_made_is_refused_with_a_reason(guest, error, says):
    with pytest.raises(error, match=says):
        _domain({'guest': guest})


@pytest.mark.parametrize(
    ('vcpus', 'wishes', 'expected'),
    [
        (1, {}, (1, 1, 1)),
        (4, {}, (4, 1, 1)),
        (4, {'hw:cpu_sockets': '1'}, (1, 4, 1)),
        (8, {'hw:cpu_sockets': '2', 'hw:cpu_threads': '2'}, (2, 2, 2)),
        (8, {'hw_cpu_max_sockets': '2'}, (2, 4, 1)),
        (8, {'hw:cpu_max_sockets': '1', 'hw:cpu_max_cores': '4'}, (1, 4, 2)),
        (6, {'hw_cpu_cores': 4}, (6, 1, 1)),
        (7, {'hw:cpu_max_sockets': '2', 'hw:cpu_max_cores': '3', 'hw:cpu_max_threads': '1'}, (7, 1, 1)),
        (4, {'hw:cpu_cores': '4', 'hw_cpu_cores': 2}, (1, 4, 1)),
    ],
)
def test_processors_are_arranged_as_wished_where_it_can_be(vcpus, wishes, expected):
    specs = {key: value for key, value in wishes.items() if ':' in key}
    properties = {key: value for key, value in wishes.items() if ':' not in key}
    arranged = processor.topology(vcpus, Wishes(specs, properties))
    assert (arranged.sockets, arranged.cores, arranged.threads) == expected
