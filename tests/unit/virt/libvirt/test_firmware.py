"""Which guests get a firmware that starts only what is signed, and which firmware that is."""

import pytest

from nova import errors
from nova.domain.guest_wishes import Wishes
from nova.virt.libvirt.domain_xml import firmware

Q35 = 'pc-q35-7.2'


def wishes(secure_boot, firmware_type='uefi'):
    return Wishes({}, {'hw_firmware_type': firmware_type, 'os_secure_boot': secure_boot})


@pytest.mark.parametrize(
    ('wanted', 'firmware_type', 'machine', 'offered', 'secure'),
    [
        ('required', 'uefi', Q35, True, True),
        # Who requires it gets no guest without: libvirt says that it has no such firmware.
        ('required', 'uefi', Q35, False, True),
        ('optional', 'uefi', Q35, True, True),
        ('optional', 'uefi', Q35, False, False),
        ('optional', 'uefi', 'pc', True, False),
        ('optional', 'bios', Q35, True, False),
        ('disabled', 'uefi', Q35, True, False),
    ],
)
def test_secure_boot_is_for_those_who_want_it_where_it_can_be(wanted, firmware_type, machine, offered, secure):
    assert firmware.is_secure(wishes(wanted, firmware_type), 'x86_64', machine, offered) is secure


@pytest.mark.parametrize(('firmware_type', 'machine', 'lacking'), [('bios', Q35, 'UEFI'), ('uefi', 'pc', 'q35')])
def test_what_is_required_and_cannot_be_is_refused(firmware_type, machine, lacking):
    with pytest.raises(errors.ImageUnacceptable, match=lacking):
        firmware.is_secure(wishes('required', firmware_type), 'x86_64', machine)


@pytest.mark.parametrize(('offered', 'features'), [(True, {'secure-boot': 'yes', 'enrolled-keys': 'yes'}),
                                                   (False, {'secure-boot': 'no'})])  # fmt: skip
def test_a_firmware_is_secure_only_with_keys_to_check_by(offered, features):
    chosen = firmware.elements(wishes('optional'), 'x86_64', Q35, offered)[0]
    assert {feature.get('name'): feature.get('enabled') for feature in chosen} == features
