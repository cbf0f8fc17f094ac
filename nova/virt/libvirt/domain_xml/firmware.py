"""How a guest's firmware starts it: BIOS or UEFI, with or without secure boot."""

from nova import errors
from nova.domain.guest_wishes import Wishes
from nova.virt.libvirt.domain_xml.element import Element, element

# These have no BIOS.
ONLY_UEFI = ('aarch64', 'armv7l')


def is_uefi(wishes: Wishes, arch: str) -> bool:
    return wishes.choice('firmware_type', ('uefi', 'bios')) == 'uefi' or arch in ONLY_UEFI


def is_secure(wishes: Wishes, arch: str, machine: str | None, offered: bool = True) -> bool:
    """Whether the guest gets secure boot. What is only optional depends on the machine type, and on what is `offered`."""
    wanted, able = wishes.secure_boot(), is_uefi(wishes, arch) and 'q35' in (machine or '')
    if wanted == 'required' and not is_uefi(wishes, arch):
        raise errors.ImageUnacceptable('Secure boot needs UEFI; set hw_firmware_type=uefi on the image.')
    if wanted == 'required' and not able:
        raise errors.ImageUnacceptable('Secure boot needs the machine type q35; set hw_machine_type on the image.')
    return wanted == 'required' or (wanted == 'optional' and able and offered)


def elements(wishes: Wishes, arch: str, machine: str | None, offered: bool = True) -> list[Element]:
    """What stands in the domain's `os` besides `firmware='efi'`; for guests with UEFI."""
    secure = is_secure(wishes, arch, machine, offered)
    # Left to itself, libvirt takes a firmware with secure boot, which refuses to boot what nobody signed.
    features = [element('feature', enabled='yes' if secure else 'no', name='secure-boot')]
    if secure:
        # One that knows no keys yet would start anything.
        features.append(element('feature', enabled='yes', name='enrolled-keys'))
    loader = element('loader', secure='yes') if secure else None
    if wishes.flag('firmware_stateless'):
        loader = element('loader', secure='yes' if secure else None, stateless='yes')
    return [part for part in (element('firmware', *features), loader) if part is not None]
