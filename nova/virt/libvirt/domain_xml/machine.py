"""The guest's board: machine type, firmware, features, clock, and what its firmware tables say."""

from nova import errors
from nova.domain.guest import Guest
from nova.domain.guest_wishes import Wishes
from nova.virt.libvirt.domain_xml import firmware
from nova.virt.libvirt.domain_xml.element import Element, element
from nova.virt.libvirt.kernel import Start
from nova.virt.libvirt.settings import Settings

DEFAULT_TYPES = {
    'x86_64': 'pc',
    'i686': 'pc',
    'aarch64': 'virt',
    'armv7l': 'virt',
    'riscv64': 'virt',
    'ppc64': 'pseries',
    'ppc64le': 'pseries',
    's390x': 's390-ccw-virtio',
    'mips': 'malta',
    'mipsel': 'malta',
}
X86 = ('x86_64', 'i686')
VIOMMU_MODELS = ('auto', 'intel', 'smmuv3', 'virtio')
# cloud-init and other guests know by these that they are to look for OpenStack's metadata.
MANUFACTURER, PRODUCT, FAMILY = 'OpenStack', 'OpenStack Compute', 'Virtual Machine'


def architecture(wishes: Wishes, settings: Settings) -> str:
    """The guest's architecture: the host's, unless the image wants another one emulated."""
    return wishes.emulated_architecture() or settings.arch


def machine_type(wishes: Wishes, settings: Settings) -> str | None:
    """The machine type by the image, the operator or habit; None leaves it to libvirt."""
    configured = settings.machine_types.get(settings.arch) or DEFAULT_TYPES.get(settings.arch)
    return wishes.property('hw_machine_type') or configured


def has_pcie(machine: str | None) -> bool:
    return bool(machine) and ('q35' in machine or machine.startswith('virt'))


def operating_system(
    wishes: Wishes, settings: Settings, boot_device: str | None, start: Start | None = None
) -> Element:
    arch, machine = settings.arch, machine_type(wishes, settings)
    type_ = element('type', 'hvm', arch=arch, machine=machine)
    boot = element('boot', dev=boot_device) if boot_device else None
    given = _given(start) if start else ()
    menu = element('bootmenu', enable='yes') if wishes.flag('boot_menu') else None
    smbios = element('smbios', mode='sysinfo') if arch in X86 else None
    # Also refuses secure boot where there is no UEFI.
    firmware.is_secure(wishes, arch, machine)
    if not firmware.is_uefi(wishes, arch):
        return element('os', type_, *given, boot, menu, smbios)
    chosen = firmware.elements(wishes, arch, machine, settings.secure_boot)
    return element('os', type_, *chosen, *given, boot, menu, smbios, firmware='efi')


def _given(start: Start) -> tuple[Element | None, ...]:
    """What the host has the guest start from."""
    return (
        element('kernel', start.kernel),
        element('initrd', start.ramdisk) if start.ramdisk else None,
        element('cmdline', start.command_line),
    )


def features(wishes: Wishes, settings: Settings) -> Element:
    hidden = wishes.hides_hypervisor()
    x86 = settings.arch in X86
    machine = machine_type(wishes, settings)
    pmu = wishes.text('pmu')
    secure = firmware.is_secure(wishes, settings.arch, machine, settings.secure_boot)
    return element(
        'features',
        element('acpi') if x86 or settings.arch == 'aarch64' else None,
        element('apic') if x86 and settings.apic else None,
        _hyperv(hidden, settings.virt_type) if x86 and wishes.is_windows() else None,
        element('kvm', element('hidden', state='on')) if hidden else None,
        element('pmu', state='on' if wishes.flag('pmu') else 'off') if pmu is not None else None,
        # Secure boot keeps its variables where only the processor's management mode reaches them.
        element('smm', state='on') if x86 and secure else None,
        element('ioapic', driver='qemu') if viommu_model(wishes, settings) == 'intel' else None,
        element('vmcoreinfo') if x86 else None,
        _translation_cache(settings),
    )


def _translation_cache(settings: Settings) -> Element | None:
    if settings.virt_type != 'qemu' or not settings.tb_cache_mb:
        return None
    return element('tcg', element('tb-cache', str(settings.tb_cache_mb), unit='MiB'))


def _hyperv(hidden: bool, virt_type: str) -> Element:
    """What makes Windows a good guest. One that must not know its hypervisor sees another vendor's name."""
    # These the kernel gives; without it QEMU does not start.
    by_kernel = ('vpindex', 'runtime', 'synic', 'reset') if virt_type == 'kvm' else ()
    return element(
        'hyperv',
        element('relaxed', state='on'),
        element('vapic', state='on'),
        element('spinlocks', state='on', retries=8191),
        *(element(name, state='on') for name in by_kernel),
        element('vendor_id', state='on', value='1234567890ab') if hidden else None,
    )


def clock(wishes: Wishes, settings: Settings) -> Element:
    windows, timers = wishes.is_windows(), []
    if settings.arch in X86:
        timers += [element('timer', name='pit', tickpolicy='delay'), element('timer', name='rtc', tickpolicy='catchup')]
        timers.append(element('timer', name='hpet', present='yes' if wishes.flag('time_hpet') else 'no'))
        if windows:
            timers.append(element('timer', name='hypervclock', present='yes'))
    return element('clock', *timers, offset='localtime' if windows else 'utc')


def iommu_models(arch: str) -> tuple[str, ...]:
    return ('virtio', 'smmuv3') if arch == 'aarch64' else ('virtio', 'intel')


def viommu_model(wishes: Wishes, settings: Settings) -> str | None:
    """The model of the guest's own IOMMU, if it wants one."""
    model, machine = wishes.choice('viommu_model', VIOMMU_MODELS), machine_type(wishes, settings) or ''
    if model is None:
        return None
    allowed = iommu_models(settings.arch)
    if not has_pcie(machine):
        raise errors.ImageUnacceptable('An IOMMU needs the machine type q35 or virt; set hw_machine_type on the image.')
    if model not in (*allowed, 'auto'):
        raise errors.ImageUnacceptable(
            f'hw_viommu_model is {model}; {settings.arch} guests have {" or ".join(allowed)}.'
        )
    return 'virtio' if model == 'auto' else model


def viommu(wishes: Wishes, settings: Settings) -> list[Element]:
    model = viommu_model(wishes, settings)
    if model is None:
        return []
    return [element('iommu', _intel_driver(settings) if model == 'intel' else None, model=model)]


def _intel_driver(settings: Settings) -> Element:
    # More than 255 processors need interrupts of the extended mode, which only the kernel's half of the APIC can do.
    extended = 'on' if settings.virt_type == 'kvm' else None
    return element('driver', intremap='on', caching_mode='on', iotlb='on', eim=extended, aw_bits=48)


def memory_backing(settings: Settings) -> Element | None:
    """Where the guest's memory is, if it is in files: shared, taken at once, and thrown away with the guest."""
    if not settings.file_backed_memory:
        return None
    return element(
        'memoryBacking',
        element('source', type='file'),
        element('access', mode='shared'),
        element('allocation', mode='immediate'),
        element('discard'),
    )


def firmware_tables(guest: Guest, serial: str | None, version: str) -> Element:
    entries = {
        'manufacturer': MANUFACTURER,
        'product': PRODUCT,
        'version': version,
        'serial': serial,
        'uuid': guest.id,
        'family': FAMILY,
    }
    system = (element('entry', value, name=name) for name, value in entries.items() if value is not None)
    return element('sysinfo', element('system', *system), type='smbios')
