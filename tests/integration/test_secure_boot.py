"""Real guests under a firmware that starts only what is signed: one is, and another is not."""

import dataclasses

import pytest

from nova.domain.flavor import Flavor
from nova.domain.lifecycle import Power
from tests.integration import hosts
from tests.integration.real_guests import NEEDS_A_HOST, a_guest, wait_for_words

pytestmark = NEEDS_A_HOST

# Emulated, the firmware's checks take as long as all the rest of a boot.
PATIENCE = 280.0
# The boot loader and the kernel are checked in memory, unpacked.
FLAVOR = Flavor('1', 'm1.signed', vcpus=1, memory_mb=512, disk_gb=1)
UEFI = {'hw_firmware_type': 'uefi', 'hw_machine_type': 'q35'}


@pytest.fixture(scope='module')
def images(request):
    return request.config.cache.mkdir('guest-image')


@pytest.fixture(scope='module')
def signed(images):
    path = hosts.signed_image(images)
    return path or pytest.skip('apt has no shim-signed and grub-efi-amd64-signed for the signed image')


@pytest.fixture(scope='module')
def unsigned(images):
    path = hosts.uefi_image(images)
    return path or pytest.skip('the image for UEFI needs systemd-boot-efi and binutils')


@pytest.fixture
def started(driver):
    """Starts guests from an image, and removes them at the end of the test."""
    made = []

    def start(path, **properties):
        guest = dataclasses.replace(a_guest(len(made) + 1, FLAVOR, **UEFI, **properties), ports=())
        made.append(guest)
        assert driver.ensure(guest, lambda _image: str(path), None) is Power.RUNNING
        return guest

    yield start
    for guest in made:
        driver.remove(guest.id, guest.name)


def test_the_host_says_that_it_has_it(driver):
    assert 'COMPUTE_SECURITY_UEFI_SECURE_BOOT' in driver.report().traits


def test_what_is_signed_starts_and_knows_that_it_was_checked(driver, started, signed):
    guest = started(signed, os_secure_boot='required')
    said = wait_for_words(driver, guest, b'GUEST-READY', PATIENCE)
    assert 'GUEST-FIRMWARE uefi' in said
    assert 'GUEST-SECUREBOOT on' in said


def test_what_is_not_signed_is_refused_by_the_firmware(driver, started, unsigned):
    guest = started(unsigned, os_secure_boot='required')
    said = wait_for_words(driver, guest, b'Access Denied', PATIENCE)
    assert 'BdsDxe: failed to load' in said
    assert 'GUEST-' not in said
    assert driver.observe(guest.id).power is Power.RUNNING


def test_it_starts_where_nobody_asks_for_signatures(driver, started, unsigned):
    guest = started(unsigned, os_secure_boot='disabled')
    said = wait_for_words(driver, guest, b'GUEST-READY', PATIENCE)
    assert 'GUEST-SECUREBOOT off' in said
