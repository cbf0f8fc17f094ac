"""What flavors and images ask of guests: what cannot be, what no host has, and which hosts will do."""

import pytest

from nova import errors
from nova.domain import guest_limits, guest_wishes
from nova.domain.flavor import Flavor
from nova.domain.guest_wishes import Topology, Wishes


def a_flavor(specs=None, vcpus=4):
    return Flavor('1', 'm1.small', vcpus=vcpus, memory_mb=512, disk_gb=1, extra_specs=specs or {})


@pytest.mark.parametrize(
    ('specs', 'properties'),
    [
        ({}, {}),
        ({'hw:cpu_sockets': '2', 'hw:cpu_cores': '2'}, {}),
        ({'hw:cpu_max_sockets': '2'}, {'hw_cpu_max_sockets': 1, 'hw_cpu_sockets': 2}),
        ({}, {'hw_cpu_cores': 3}),
        ({'hw:vif_multiqueue_enabled': 'true'}, {'hw_vif_multiqueue_enabled': 'yes'}),
        ({'hw:watchdog_action': 'reset'}, {'hw_watchdog_action': 'poweroff'}),
        ({'hw:tpm_version': '2.0', 'hw:tpm_model': 'tpm-crb'}, {}),
        ({'hw_video:ram_max_mb': '64'}, {'hw_video_ram': 64}),
        ({'hw:serial_port_count': '2'}, {'hw_serial_port_count': 2}),
        ({'hw:serial_port_count': '8'}, {'hw_serial_port_count': 2}),
        ({'hw_rng:rate_bytes': '0'}, {}),
        ({'os:secure_boot': 'required'}, {'os_secure_boot': 'required', 'hw_firmware_type': 'uefi'}),
        ({}, {'os_secure_boot': 'optional'}),
        ({'hw:cpu_policy': 'dedicated'}, {'hw_cpu_policy': 'shared'}),
        ({'hw:mem_page_size': 'any'}, {'hw_mem_page_size': '1GB'}),
        ({'quota:cpu_quota': '0', 'quota:cpu_period': '0'}, {}),
        ({'quota:vif_inbound_average': '1', 'quota:vif_inbound_peak': '2'}, {}),
        # They are other hypervisors' business.
        ({'quota:cpu_limit': '100', 'quota:vif_shares_level': 'high'}, {'hw_disk_type': 'preallocated'}),
    ],
)
def test_what_agrees_is_let_through(specs, properties):
    guest_wishes.refuse(a_flavor(specs), properties)


@pytest.mark.parametrize(
    ('specs', 'properties', 'says'),
    [
        ({'hw:cpu_sockets': '3'}, {}, '4 virtual processors cannot be arranged in 3 sockets'),
        ({'hw:cpu_cores': '2', 'hw:cpu_threads': '4'}, {}, 'in 2 cores, 4 threads'),
        ({'hw:cpu_max_sockets': '1', 'hw:cpu_max_cores': '2', 'hw:cpu_max_threads': '1'}, {}, 'at most 1 sockets'),
        ({'hw:cpu_max_sockets': '1'}, {'hw_cpu_max_sockets': 2}, "exceeds the flavor's hw:cpu_max_sockets"),
        ({'hw:cpu_max_threads': '1'}, {'hw_cpu_threads': 2}, "exceeds the flavor's hw:cpu_max_threads"),
        ({'hw:cpu_cores': 'many'}, {}, 'not a number'),
        ({}, {'hw_cpu_cores': 'many'}, 'must be a number'),
        ({'hw:vif_multiqueue_enabled': 'true'}, {'hw_vif_multiqueue_enabled': 'no'}, 'must be the same'),
        ({'hw:pmu': 'true'}, {'hw_pmu': 'false'}, 'must be the same'),
        ({'hw:virtio_packed_ring': 'true'}, {'hw_virtio_packed_ring': 'false'}, 'must be the same'),
        ({'hw:tpm_version': '2.0'}, {'hw_tpm_version': '1.2'}, 'must be the same'),
        ({'hw:tpm_version': '1.2', 'hw:tpm_model': 'tpm-crb'}, {}, 'needs the TPM version 2.0'),
        ({'hw:tpm_version': '3.0'}, {}, 'must be 1.2 or 2.0'),
        ({'os:secure_boot': 'disabled'}, {'os_secure_boot': 'required'}, 'must be the same'),
        ({'os:secure_boot': 'required'}, {}, 'needs UEFI'),
        ({'hw:mem_encryption': 'true'}, {}, 'needs UEFI'),
        ({}, {'hw_firmware_stateless': 'true'}, 'needs UEFI'),
        ({'hw:locked_memory': 'true'}, {}, 'hw:mem_page_size'),
        ({'hw:locked_memory': 'true', 'hw:mem_page_size': 'any'}, {'hw_locked_memory': 'false'}, 'must be the same'),
        ({'hw:mem_page_size': 'small'}, {'hw_mem_page_size': '1GB'}, 'hw:mem_page_size=any or large'),
        ({'hw:cpu_policy': 'shared'}, {'hw_cpu_policy': 'dedicated'}, 'must be the same'),
        ({'hw:cpu_policy': 'mixed'}, {}, 'hw:cpu_dedicated_mask'),
        ({'hw:cpu_thread_policy': 'require'}, {}, 'needs hw:cpu_policy=dedicated'),
        ({'hw:emulator_threads_policy': 'share'}, {}, 'needs hw:cpu_policy=dedicated'),
        ({}, {'hw_video_ram': 16}, 'allows 0 MB'),
        ({'hw:serial_port_count': '1'}, {'hw_serial_port_count': 2}, 'allows 1'),
        ({'hw:serial_port_count': '5'}, {}, 'at most 4'),
        ({}, {'hw_serial_port_count': 5}, 'at most 4'),
        ({'hw:maxphysaddr_bits': '42'}, {}, 'needs hw_maxphysaddr_mode'),
        ({}, {'hw_maxphysaddr_mode': 'emulate'}, 'needs hw_maxphysaddr_bits'),
        ({'hw:watchdog_action': 'bark'}, {}, 'must be one of none, pause'),
        ({'hw:sound_model': 'loud'}, {}, 'must be one of sb16'),
        ({'hw:tpm_model': 'tpm-crb'}, {}, 'needs hw:tpm_version'),
        ({'hw_rng:rate_bytes': 'few'}, {}, 'not a number'),
        ({'hw_rng:rate_period': '-1'}, {}, 'not a number'),
        ({'hw:cpu_sockets': '4', 'hw:cpu_max_sockets': '2'}, {}, 'exceeds its hw:cpu_max_sockets of 2'),
        ({'quota:cpu_period': '999'}, {}, 'from 1000 to 1000000'),
        ({'quota:cpu_quota': '1'}, {}, 'from 1000'),
        ({'quota:cpu_shares': 'all'}, {}, 'not a number'),
        ({'quota:disk_total_bytes_sec': '5', 'quota:disk_read_bytes_sec': '5'}, {}, 'cannot be combined'),
        ({'quota:vif_outbound_peak': '5'}, {}, 'needs quota:vif_outbound_average'),
        ({}, {'hw_disk_bus': 'floppy'}, 'Invalid image metadata'),
        ({}, {'os_type': 'plan9'}, 'must be one of linux, windows'),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(specs, properties, says):
    with pytest.raises(errors.Invalid, match=says):
        guest_wishes.refuse(a_flavor(specs), properties)


@pytest.mark.parametrize(
    ('specs', 'properties', 'asked'),
    [
        ({'hw:cpu_policy': 'dedicated'}, {}, 'hw:cpu_policy=dedicated'),
        ({}, {'hw_cpu_policy': 'dedicated'}, 'hw_cpu_policy=dedicated'),
        ({'hw:cpu_policy': 'shared'}, {'hw_cpu_policy': 'shared'}, None),
        ({'hw:numa_nodes': '2'}, {}, 'hw:numa_nodes=2'),
        ({'hw:numa_cpus.0': '0-1'}, {}, 'hw:numa_cpus.0'),
        ({'hw:mem_page_size': 'large'}, {}, 'hw:mem_page_size=large'),
        ({'hw:cpu_realtime': 'yes'}, {}, 'hw:cpu_realtime=yes'),
        ({'hw:cpu_realtime': 'no'}, {}, None),
        ({'pci_passthrough:alias': 'gpu:1'}, {}, 'pci_passthrough:alias=gpu:1'),
        ({'hw:redirected_usb_ports': '0'}, {}, None),
        ({}, {'hw_ephemeral_encryption': 'true'}, 'hw_ephemeral_encryption=true'),
        ({}, {'hw_emulation_architecture': 'alpha'}, 'hw_emulation_architecture=alpha'),
        ({}, {'hw_emulation_architecture': 'arm64'}, None),
        ({'hw:cpu_sockets': '1'}, {'hw_disk_bus': 'scsi'}, None),
    ],
)
def test_what_no_host_has_is_told(specs, properties, asked):
    assert guest_wishes.beyond(Wishes(specs, properties)) == asked


@pytest.mark.parametrize(
    ('specs', 'properties', 'traits'),
    [
        ({}, {'hw_firmware_type': 'uefi', 'os_secure_boot': 'optional'}, ()),
        ({'os:secure_boot': 'required'}, {}, ('COMPUTE_SECURITY_UEFI_SECURE_BOOT',)),
        ({'hw:tpm_version': '1.2'}, {}, ('COMPUTE_SECURITY_TPM_1_2',)),
        ({'hw:tpm_model': 'tpm-tis'}, {}, ()),
        ({}, {'hw_emulation_architecture': 'arm64'}, ('COMPUTE_ARCH_AARCH64',)),
    ],
)
def test_only_hosts_that_can_are_asked_for(specs, properties, traits):
    assert guest_wishes.required_traits(specs, properties) == traits


def test_a_flavor_of_very_many_processors_is_arranged_at_once():
    assert guest_wishes.topology(2**31 - 1, Wishes({}, {})) == Topology(2**31 - 1, 1, 1)


def test_limits_of_zero_limit_nothing():
    limits = guest_limits.limits_of({'quota:cpu_shares': '0', 'quota:cpu_quota': '-1', 'quota:disk_read_iops_sec': '5'})
    assert (limits.cpu, limits.disk, limits.vif) == ({}, {'disk_read_iops_sec': 5}, {})
