"""What the processor can do for guests."""

from pathlib import Path

from nova.virt.libvirt.virt_type import usable_virt_type


def virt_type(cpuinfo: Path = Path('/proc/cpuinfo'), device: Path = Path('/dev/kvm')) -> str:
    """What this machine can run guests on: `kvm` or `qemu`."""
    return usable_virt_type(cpuinfo.read_text(), device.exists())


def describe(kind: str) -> str:
    return {
        'kvm': 'KVM (the processor has svm or vmx)',
        'qemu': 'QEMU with TCG (the processor says neither svm nor vmx, or there is no /dev/kvm)',
        'fake': 'none (simulated guests)',
    }[kind]
