"""Simulated guests' TPMs."""

import dataclasses

import pytest

from nova import errors
from nova.domain.image import Image
from nova.domain.lifecycle import Power
from nova.virt.fake.driver import TPM_TRAITS, FakeDriver
from tests.fakes.guests import a_guest


@pytest.fixture
def guest():
    made = a_guest(image=Image('image'))
    return dataclasses.replace(
        made, server=dataclasses.replace(made.server, image_properties={'hw_tpm_version': '2.0'})
    )


@pytest.fixture
def driver(tmp_path):
    return FakeDriver('host', directory=str(tmp_path), tpms=True)


def ensure(driver, guest, key_id='key', secret=b'a passphrase'):
    driver.keep_tpm_key(guest.id, key_id)
    driver.unlock_tpm(guest.id, key_id, secret)
    return driver.ensure(guest, None, None)


def again(driver, tmp_path):
    """The process anew: what it held in memory is gone."""
    return FakeDriver('host', directory=str(tmp_path), tpms=True)


def test_only_hosts_that_have_tpms_say_so(driver):
    assert set(TPM_TRAITS) <= set(driver.report().traits)
    assert not set(TPM_TRAITS) & set(FakeDriver('host').report().traits)


def test_a_guest_starts_only_with_its_secret(driver, guest):
    with pytest.raises(errors.HostFailed, match='locked'):
        driver.ensure(guest, None, None)
    driver.keep_tpm_key(guest.id, 'key')
    with pytest.raises(errors.HostFailed, match='locked'):
        driver.ensure(guest, None, None)
    driver.unlock_tpm(guest.id, 'key', b'a passphrase')
    assert driver.ensure(guest, None, None) is Power.RUNNING


def test_the_secret_is_held_in_memory_alone(driver, guest, tmp_path):
    ensure(driver, guest)
    driver = again(driver, tmp_path)
    assert driver.ensure(guest, None, None) is Power.RUNNING
    driver.stop(guest.id, 0)
    with pytest.raises(errors.HostFailed, match='locked'):
        driver.ensure(guest, None, None)
    with pytest.raises(errors.HostFailed, match='locked'):
        driver.rescue(guest, Image('rescue'), None, None, 0)
    driver.unlock_tpm(guest.id, 'key', b'a passphrase')
    assert driver.ensure(guest, None, None) is Power.RUNNING


def test_another_secret_does_not_open_it_unless_the_guest_was_rebuilt(driver, guest):
    ensure(driver, guest)
    driver.stop(guest.id, 0)
    driver.unlock_tpm(guest.id, 'key', b'another')
    with pytest.raises(errors.HostFailed, match='another secret'):
        driver.ensure(guest, None, None)
    driver.prepare_rebuild(guest, None, None)
    driver.replace_disks(guest)
    assert driver.ensure(guest, None, None) is Power.RUNNING


def test_it_goes_with_the_guest(driver, guest, tmp_path):
    driver.keep_tpm_key(guest.id, 'key')
    assert driver.leftovers() == (guest.id,)
    ensure(driver, guest)
    driver.remove(guest.id, None)
    assert (driver.tpm_key(guest.id), driver.leftovers(), again(driver, tmp_path).leftovers()) == (None, (), ())
    assert list(tmp_path.iterdir()) == []
