"""Real guests in the shapes that flavors and images ask for, seen from libvirt and from inside."""

import dataclasses
import shutil
import signal
import time
import uuid
from xml.etree import ElementTree

import pytest

from nova import errors
from nova.domain.block_device import BLANK, IMAGE, LOCAL, BlockDevice
from nova.domain.flavor import Flavor
from nova.domain.guest import Guest
from nova.domain.image import Image
from nova.domain.lifecycle import Power, State
from nova.domain.network import Network, Port
from nova.domain.server import Server
from nova.standalone import private_cgroups
from nova.virt.libvirt.driver import LibvirtDriver
from tests.integration import hosts
from tests.integration.real_guests import NEEDS_A_HOST

pytestmark = NEEDS_A_HOST

BOOT_TIMEOUT = 240.0
E1000, WATCHDOG, VIRTIO_SCSI = '8086:100E', '8086:25AB', '1AF4:1048'
KEY_ID = '3b1f4c5d-0000-4000-8000-00000000000a'
DRIVE = {'openstack/latest/meta_data.json': b'{"hostname": "shaped"}'}
HALF = {'quota:cpu_shares': '512', 'quota:cpu_period': '20000', 'quota:cpu_quota': '10000'}
RATES = {'quota:vif_inbound_average': '1000', 'quota:vif_outbound_average': '1000'}
# What libvirt asks of the kernel for rates.
TC_TRIAL = tuple(
    ('tc', *words.split())
    for words in (
        f'qdisc add dev {hosts.BRIDGE} root handle 1: htb default 1',
        f'class add dev {hosts.BRIDGE} parent 1: classid 1:1 htb rate 1mbit',
        f'qdisc add dev {hosts.BRIDGE} parent 1:1 handle 2: sfq perturb 10',
        f'qdisc del dev {hosts.BRIDGE} root',
    )
)
needs_cgroups = pytest.mark.skipif(
    not private_cgroups.hierarchies(), reason='no control groups for processors are mounted here'
)


@pytest.fixture(scope='module')
def images(request):
    return request.config.cache.mkdir('guest-image')


@pytest.fixture(scope='module')
def settings(settings):
    return dataclasses.replace(settings, tb_cache_mb=32)


@pytest.fixture
def started(settings, image):
    """Starts guests that the test is done with at its end."""
    made = []

    def start(specs=None, source=image, drive=None, vcpus=1, memory_mb=128, changes=None, tags=None, **properties):
        driver = LibvirtDriver(dataclasses.replace(settings, **(changes or {})))
        guest = a_guest(len(made) + 1, specs or {}, vcpus, memory_mb, properties)
        if tags:
            guest = tagged(guest, **tags)
        made.append((driver, guest))
        assert driver.ensure(guest, source, drive) is Power.RUNNING
        return Started(driver, guest)

    yield start
    for driver, guest in made:
        driver.remove(guest.id, guest.name)
        driver.close()


@dataclasses.dataclass
class Started:
    driver: LibvirtDriver
    guest: Guest

    def domain(self, host):
        return ElementTree.fromstring(host.virsh('dumpxml', self.guest.name))

    def says(self, words):
        deadline = time.monotonic() + BOOT_TIMEOUT
        while words.encode() not in (said := self.driver.output(self.guest.id)):
            assert time.monotonic() < deadline, f'{words!r} is not in {said!r}'
            time.sleep(0.1)
        return said.decode(errors='replace')


def a_guest(number, specs, vcpus, memory_mb, properties):
    network = Network(str(uuid.uuid4()), 'private', mtu=1400, bridge=hosts.BRIDGE)
    port = Port(str(uuid.uuid4()), f'fa:16:3e:00:07:{number:02x}', network, vif_type='bridge')
    flavor = Flavor('1', 'm1.shaped', vcpus=vcpus, memory_mb=memory_mb, disk_gb=1, extra_specs=specs)
    server = Server(
        str(uuid.uuid4()), 'shaped', 'shaped', 'p', 'u', flavor, State.BUILDING, image_properties=properties
    )
    image = Image(str(uuid.uuid4()), 'tiny', disk_format='qcow2', properties=properties)
    return Guest(f'shaped-{uuid.uuid4().hex[:8]}', server, image, (port,))


def with_specs(guest, specs):
    flavor = dataclasses.replace(guest.server.flavor, extra_specs=specs)
    return dataclasses.replace(guest, server=dataclasses.replace(guest.server, flavor=flavor))


def another_port(guest):
    return Port(str(uuid.uuid4()), 'fa:16:3e:00:07:ff', guest.ports[0].network, vif_type='bridge')


def until(condition):
    deadline = time.monotonic() + BOOT_TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def no_image(_image):
    raise AssertionError('the image was asked for')


def share_of(host, guest):
    """The guest's share as the kernel has it: by the names of the first version of control groups, or of the second."""
    numbers = range(guest.server.flavor.vcpus)
    try:
        return {
            'shares': host.cgroup(guest.name, 'cpu.shares'),
            'processors': [
                tuple(host.cgroup(guest.name, f'vcpu{number}/cpu.cfs_{what}_us') for what in ('period', 'quota'))
                for number in numbers
            ],
        }
    except FileNotFoundError:
        limits = [host.cgroup(guest.name, f'vcpu{number}/cpu.max').split() for number in numbers]
        return {
            'shares': host.cgroup(guest.name, 'cpu.weight'),
            'processors': [(period, quota.replace('max', '-1')) for quota, period in limits],
        }


def tagged(guest, port, root, ephemeral):
    ports = (dataclasses.replace(guest.ports[0], tag=port),)
    disks = (
        BlockDevice(IMAGE, LOCAL, boot_index=0, tag=root),
        BlockDevice(BLANK, LOCAL, size=1, tag=ephemeral),
    )
    return dataclasses.replace(guest, ports=ports, block_devices=disks)


def test_a_guest_of_many_wishes_has_them_all(started, host):
    made = started(
        {
            'hw:cpu_sockets': '1',
            'hw:cpu_cores': '2',
            'hw:watchdog_action': 'reset',
            'hw_rng:rate_bytes': '1024',
            'hw_rng:rate_period': '1000',
            'quota:disk_read_bytes_sec': '104857600',
            'quota:disk_write_iops_sec': '5000',
        },
        vcpus=2,
        drive=DRIVE,
        hw_machine_type='q35',
        hw_disk_bus='scsi',
        hw_cdrom_bus='scsi',
        hw_vif_model='e1000',
        hw_video_model='vga',
        hw_watchdog_action='poweroff',
        hw_boot_menu='true',
    )
    domain = made.domain(host)
    assert 'q35' in domain.find('os/type').get('machine')
    assert domain.find('cpu/topology').attrib.items() >= {'sockets': '1', 'cores': '2', 'threads': '1'}.items()
    assert domain.findtext('devices/disk/iotune/read_bytes_sec') == '104857600'
    assert 'read_bytes_sec : 104857600' in host.virsh('blkdeviotune', made.guest.name, 'sda')
    said = made.says('GUEST-READY')
    assert 'cpus=2' in said
    assert 'META source=configdrive' in said
    for device in (E1000, WATCHDOG, VIRTIO_SCSI):
        assert device in said.upper()
    assert domain.find('devices/watchdog').get('action') == 'poweroff'
    assert domain.find('devices/rng/rate').attrib == {'bytes': '1024', 'period': '1000'}


def test_a_guest_boots_by_uefi_and_keeps_its_variables(started, host, images):
    path = hosts.uefi_image(images)
    if path is None:
        pytest.skip('the image for UEFI needs systemd-boot-efi and binutils')
    made = started(source=lambda _image: str(path), memory_mb=256, hw_firmware_type='uefi', hw_machine_type='q35')
    assert 'GUEST-FIRMWARE uefi' in made.says('GUEST-READY')
    nvram = made.domain(host).findtext('os/nvram')
    kept = host.run('sha256sum', nvram).stdout
    host.virsh('destroy', made.guest.name)
    assert host.run('sha256sum', nvram).stdout == kept
    assert made.driver.ensure(made.guest, None, None) is Power.RUNNING
    assert made.domain(host).findtext('os/nvram') == nvram
    made.driver.remove(made.guest.id, made.guest.name)
    assert host.run('test', '-e', nvram, check=False).returncode


def test_secure_boot_takes_a_firmware_that_has_it(started, host):
    made = started(memory_mb=256, hw_firmware_type='uefi', hw_machine_type='q35', os_secure_boot='required')
    loader = made.domain(host).find('os/loader')
    assert loader.get('secure') == 'yes'
    assert 'secboot' in loader.text or 'ms' in loader.text


@pytest.mark.parametrize(
    ('specs', 'properties'),
    [
        (
            {'hw:viommu_model': 'virtio', 'hw:sound_model': 'ich9', 'hw:usb_model': 'qemu-xhci'},
            {'hw_machine_type': 'q35'},
        ),
        ({'hw:viommu_model': 'intel'}, {'hw_machine_type': 'q35'}),
        ({'hw:virtio_packed_ring': 'true'}, {'hw_vif_multiqueue_enabled': 'true'}),
        ({'hw:maxphysaddr_mode': 'emulate', 'hw:maxphysaddr_bits': '40'}, {}),
        ({'hw:hide_hypervisor_id': 'true', 'hw:pmu': 'false'}, {'hw_time_hpet': 'true', 'hw_serial_port_count': 2}),
        ({'hw_video:ram_max_mb': '16'}, {'hw_video_ram': '16', 'hw_video_model': 'qxl', 'hw_input_bus': 'virtio'}),
        ({}, {'os_type': 'windows'}),
        ({}, {'hw_scsi_model': 'lsilogic', 'hw_disk_bus': 'scsi', 'hw_cdrom_bus': 'scsi'}),
        ({}, {'hw_disk_bus': 'ide', 'hw_vif_model': 'rtl8139'}),
        ({}, {'hw_disk_bus': 'sata', 'hw_vif_model': 'e1000e', 'hw_machine_type': 'q35'}),
        ({}, {'hw_disk_bus': 'usb', 'hw_vif_model': 'vmxnet3'}),
    ],
)
def test_libvirt_and_qemu_make_what_is_asked_for(started, specs, properties):
    started(specs, vcpus=2, drive=DRIVE, **properties)


@pytest.mark.parametrize('mode', ['custom', 'none', 'host-model', 'host-passthrough'])
def test_processors_of_each_mode(started, host, mode):
    changes = {'cpu_mode': mode}
    if mode == 'custom':
        changes |= {'cpu_models': ('qemu64', 'Nehalem'), 'cpu_flags': ('-sse4.2',)}
    if mode == 'host-passthrough':
        # Only hardware virtualization passes a processor through.
        with pytest.raises(errors.HostFailed):
            started(changes=changes)
        return
    made = started({'trait:HW_CPU_X86_SSE41': 'required'} if mode == 'custom' else {}, changes=changes)
    if mode == 'custom':
        assert made.domain(host).findtext('cpu/model') == 'Nehalem'


def test_a_share_of_processors_needs_cgroups(image, settings, tmp_path, request):
    known = request.config.cache.mkdir('qemu-capabilities')
    with hosts.running('unlimited-test', tmp_path / 'host', 8, known, limits_processors=False) as other:
        driver = LibvirtDriver(
            dataclasses.replace(settings, instances_path=str(other.instances), connection_uri=other.uri)
        )
        guest = a_guest(60, {'quota:cpu_shares': '512'}, 1, 128, {})
        with pytest.raises(errors.HostFailed, match='cgroup'):
            driver.ensure(guest, image, None)
        # It is not left running without its limits.
        assert not other.virsh('list', '--name').strip()
        driver.remove(guest.id, guest.name)
        driver.close()


@needs_cgroups
def test_a_guest_is_kept_to_its_share_of_processors(started, host):
    made = started(HALF, vcpus=2)
    assert share_of(host, made.guest) == {'shares': '512', 'processors': [('20000', '10000')] * 2}
    assert started({}).driver.observe(made.guest.id).power is Power.RUNNING
    host.restart_libvirtd(signal.SIGKILL)
    assert share_of(host, made.guest) == {'shares': '512', 'processors': [('20000', '10000')] * 2}
    # It is known at once, and its control group a moment later.
    until(lambda: 'cpu_shares     : 512' in host.virsh('schedinfo', made.guest.name, check=False))
    assert made.driver.ensure(made.guest, no_image, None) is Power.RUNNING


@needs_cgroups
def test_a_resize_changes_the_share_and_the_rates_of_disks(started, host):
    made = started({**HALF, 'quota:disk_read_bytes_sec': '104857600'})
    made.driver.stop(made.guest.id, 0)
    other = with_specs(made.guest, {'quota:cpu_shares': '2048', 'quota:disk_total_iops_sec': '700'})
    made.driver.resize_disks(other)
    assert made.driver.ensure(other, no_image, None) is Power.RUNNING
    assert share_of(host, made.guest) == {'shares': '2048', 'processors': [('100000', '-1')]}
    rates = host.virsh('blkdeviotune', made.guest.name, 'vda')
    assert 'total_iops_sec : 700' in rates
    assert 'read_bytes_sec : 0' in rates

    made.driver.stop(made.guest.id, 0)
    made.driver.restore_disks(made.guest.id)
    assert made.driver.ensure(made.guest, no_image, None) is Power.RUNNING
    assert share_of(host, made.guest) == {'shares': '512', 'processors': [('20000', '10000')]}
    assert 'read_bytes_sec : 104857600' in host.virsh('blkdeviotune', made.guest.name, 'vda')


def test_network_rates_are_kept_or_refused_in_a_sentence(started, host):
    if all(host.run(*command, check=False).returncode == 0 for command in TC_TRIAL):
        made = started(RATES)
        assert 'inbound.average: 1000' in host.virsh('domiftune', made.guest.name, made.guest.ports[0].devname)
        return
    with pytest.raises(errors.HostFailed, match=r'network rates \(quota:vif_\*\).*sfq') as refused:
        started(RATES)
    assert 'libvirt says' not in str(refused.value)
    assert not host.virsh('list', '--name').strip()
    without = started()
    with pytest.raises(errors.HostFailed, match=r'network rates'):
        without.driver.attach_interface(with_specs(without.guest, RATES), another_port(without.guest))
    assert len(without.domain(host).findall('devices/interface')) == 1


def test_a_tpm_is_given_to_the_guest(settings, image, host):
    if shutil.which('swtpm_setup') is None:
        pytest.skip('swtpm is not installed')
    driver = LibvirtDriver(dataclasses.replace(settings, swtpm_enabled=True))
    guest = a_guest(50, {'hw:tpm_version': '2.0', 'hw:tpm_model': 'tpm-crb'}, 1, 128, {'hw_machine_type': 'q35'})
    try:
        with pytest.raises(errors.NotImplementedHere, match='key manager'):
            driver.ensure(guest, image, None)
        driver.keep_tpm_key(guest.id, KEY_ID)
        for _time in range(2):
            driver.unlock_tpm(guest.id, KEY_ID, b'a passphrase')
            driver.ensure(guest, image, None)
            assert driver.tpm_key(guest.id) == KEY_ID
            Started(driver, guest).says('GUEST-TPM 2.0')
            driver.stop(guest.id, 0)
    finally:
        driver.remove(guest.id, guest.name)
        driver.close()
    assert KEY_ID not in host.virsh('secret-list')


def test_tagged_devices_are_found(started):
    tags = {'port': 'front', 'root': 'system', 'ephemeral': 'scratch'}
    made = started(tags=tags, drive=DRIVE)
    description = made.driver.describe(made.guest)
    assert description.machine_type == 'pc'
    found = {device.tag: device for device in description.devices}
    assert found['front'].bus == 'pci'
    assert found['front'].mac == made.guest.ports[0].mac
    assert found['system'].path == '/dev/vda'
    assert found['scratch'].path == '/dev/vdb'
    assert found['scratch'].address.startswith('0000:00:')


def test_an_architecture_without_qemu_is_refused(started):
    with pytest.raises(errors.NotImplementedHere, match='s390x'):
        started(hw_emulation_architecture='s390x')


def test_traits_tell_what_guests_can_have(settings):
    driver = LibvirtDriver(dataclasses.replace(settings, swtpm_enabled=True, excluded_formats=('vmdk',)))
    traits = set(driver.report().traits)
    driver.close()
    assert {'COMPUTE_ARCH_X86_64', 'COMPUTE_FIRMWARE_UEFI', 'COMPUTE_SECURITY_UEFI_SECURE_BOOT'} <= traits
    assert 'COMPUTE_IMAGE_TYPE_VMDK' not in traits
    assert ('COMPUTE_SECURITY_TPM_2_0' in traits) == (shutil.which('swtpm') is not None)
