"""The guest's board: machine type, firmware, features, clock, and what its firmware tables say."""

from nova import errors
from nova.domain.guest import Guest
from nova.virt.libvirt.domain_xml.element import Element, element
from nova.virt.libvirt.domain_xml.wishes import Wishes
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
}
X86 = ('x86_64', 'i686')
# cloud-init and other guests know by these that they are to look for OpenStack's metadata.
MANUFACTURER, PRODUCT, FAMILY = 'OpenStack', 'OpenStack Compute', 'Virtual Machine'


def machine_type(wishes: Wishes, settings: Settings) -> str | None:
    """The machine type by the image, the operator or habit; None leaves it to libvirt."""
    configured = settings.machine_types.get(settings.arch) or DEFAULT_TYPES.get(settings.arch)
    return wishes.property('hw_machine_type') or configured


def has_pcie(machine: str | None) -> bool:
    return bool(machine) and ('q35' in machine or machine.startswith('virt'))


def operating_system(wishes: Wishes, settings: Settings, boot_device: str) -> Element:
    machine = machine_type(wishes, settings)
    type_ = element('type', 'hvm', arch=settings.arch, machine=machine)
    menu = element('bootmenu', enable='yes') if wishes.flag('boot_menu') else None
    smbios = element('smbios', mode='sysinfo') if settings.arch in X86 else None
    if wishes.choice('firmware_type', ('uefi', 'bios')) != 'uefi':
        return element('os', type_, element('boot', dev=boot_device), menu, smbios)
    secure = wishes.property('os_secure_boot') == 'required' or wishes.spec('os:secure_boot') == 'required'
    if secure and 'q35' not in (machine or ''):
        raise errors.ImageUnacceptable('Secure boot needs the machine type q35; set hw_machine_type on the image.')
    # Left to itself, libvirt takes a firmware with secure boot, which refuses to boot what nobody signed.
    feature = element('feature', enabled='yes' if secure else 'no', name='secure-boot')
    boot = element('boot', dev=boot_device)
    return element('os', type_, element('firmware', feature), boot, menu, smbios, firmware='efi')


def features(wishes: Wishes, settings: Settings) -> Element:
    hidden = wishes.flag('hide_hypervisor_id') or wishes.property('img_hide_hypervisor_id') in ('true', 'True')
    x86 = settings.arch in X86
    pmu = wishes.text('pmu')
    return element(
        'features',
        element('acpi') if x86 or settings.arch == 'aarch64' else None,
        element('apic') if x86 else None,
        _hyperv() if x86 and _is_windows(wishes) and not hidden else None,
        element('kvm', element('hidden', state='on')) if hidden else None,
        element('pmu', state='on' if wishes.flag('pmu') else 'off') if pmu is not None else None,
        element('vmcoreinfo') if x86 else None,
    )


def _hyperv() -> Element:
    return element(
        'hyperv',
        element('relaxed', state='on'),
        element('vapic', state='on'),
        element('spinlocks', state='on', retries=8191),
    )


def clock(wishes: Wishes, settings: Settings) -> Element:
    windows, timers = _is_windows(wishes), []
    if settings.arch in X86:
        timers += [element('timer', name='pit', tickpolicy='delay'), element('timer', name='rtc', tickpolicy='catchup')]
        timers.append(element('timer', name='hpet', present='yes' if wishes.flag('time_hpet') else 'no'))
        if windows:
            timers.append(element('timer', name='hypervclock', present='yes'))
    return element('clock', *timers, offset='localtime' if windows else 'utc')


def _is_windows(wishes: Wishes) -> bool:
    return wishes.property('os_type') == 'windows'


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
