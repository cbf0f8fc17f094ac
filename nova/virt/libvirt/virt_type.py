"""Whether guests can run on hardware virtualization. Knows nothing of libvirt, so anyone may ask."""

VIRTUALIZATION_FLAGS = frozenset({'svm', 'vmx'})


def usable_virt_type(cpuinfo: str, kvm_exists: bool) -> str:
    """`kvm` or `qemu`, by the text of /proc/cpuinfo and whether there is a /dev/kvm.

    The device alone proves nothing: kernels that are guests themselves may offer one that no ordinary guest runs on.
    """
    for line in cpuinfo.splitlines():
        name, _colon, value = line.partition(':')
        # Other architectures than x86 have no such flags; there the device is all that there is to see.
        if name.strip() == 'flags':
            return 'kvm' if kvm_exists and VIRTUALIZATION_FLAGS & set(value.split()) else 'qemu'
    return 'kvm' if kvm_exists else 'qemu'
