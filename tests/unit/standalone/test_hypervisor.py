"""KVM is used where the processor has it, and never for the sake of a device file."""

import pytest

from nova.standalone import hypervisor


@pytest.mark.parametrize(
    ('flags', 'device', 'expected'),
    [
        ('fpu svm sse', True, 'kvm'),
        ('fpu vmx sse', True, 'kvm'),
        ('fpu vmx sse', False, 'qemu'),
        ('fpu sse', True, 'qemu'),
        ('fpu vmx_like svmx', True, 'qemu'),
    ],
)
def test_virt_type(tmp_path, flags, device, expected):
    cpuinfo = tmp_path / 'cpuinfo'
    cpuinfo.write_text(f'processor\t: 0\nmodel name\t: A svm vmx model\nflags\t\t: {flags}\n\n')
    kvm = tmp_path / 'kvm'
    if device:
        kvm.touch()
    assert hypervisor.virt_type(cpuinfo, kvm) == expected
    assert expected.upper()[:3] in hypervisor.describe(expected).upper()
