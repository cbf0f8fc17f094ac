"""KVM is used only where the processor can."""

import pytest

from nova.virt.libvirt.virt_type import usable_virt_type

AMD = 'processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu vme svm sse\n'
INTEL = 'processor\t: 0\nflags\t\t: fpu vmx sse\nvmx flags\t: vnmi\n'
NEITHER = 'processor\t: 0\nmodel name\t: svm vmx\nflags\t\t: fpu sse hypervisor\n'
ARM = 'processor\t: 0\nFeatures\t: fp asimd\n'


@pytest.mark.parametrize(
    ('cpuinfo', 'kvm_exists', 'expected'),
    [
        (AMD, True, 'kvm'),
        (AMD, False, 'qemu'),
        (INTEL, True, 'kvm'),
        (NEITHER, True, 'qemu'),
        (NEITHER, False, 'qemu'),
        (ARM, True, 'kvm'),
        (ARM, False, 'qemu'),
    ],
)
def test_the_device_alone_proves_nothing(cpuinfo, kvm_exists, expected):
    assert usable_virt_type(cpuinfo, kvm_exists) == expected
