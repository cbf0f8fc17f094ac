"""A guest that shuts down is noticed when libvirt tells of it, not when it is next looked at."""

import threading

import pytest

from nova.domain.lifecycle import Power
from nova.virt.libvirt import connection
from tests.unit.virt.libvirt.samples import a_guest
from tests.unit.virt.libvirt.test_driver import base, driver, outside, pytestmark, told

__all__ = ('base', 'driver', 'outside', 'pytestmark', 'told')

# Nobody looks again within this time, in seconds; the test does not wait so long.
SELDOM, PATIENCE = 600, 60


@pytest.fixture
def silent_button(monkeypatch):
    """Guests whose systems do not listen: they go down later, by themselves."""
    pressed = threading.Event()
    monkeypatch.setattr(connection, '_press_button', lambda _domain: pressed.set())
    monkeypatch.setattr(connection, 'SHUTDOWN_LOOK', SELDOM)
    return pressed


def test_the_end_of_a_guest_is_noticed_when_it_comes(driver, base, outside, told, silent_button):
    driver.ensure(a_guest(), base, None)
    left = []
    stopping = threading.Thread(target=lambda: left.append(driver.stop(a_guest().id, SELDOM)), daemon=True)
    stopping.start()
    assert silent_button.wait(PATIENCE)
    outside.lookupByUUIDString(a_guest().id).destroy()
    stopping.join(PATIENCE)
    assert left == [Power.SHUTDOWN]
    assert told.empty(), 'it was our own doing'


def test_a_change_that_is_no_end_is_not_taken_for_one(driver, base, outside, told, silent_button):
    driver.ensure(a_guest(), base, None)
    stopping = threading.Thread(target=driver.stop, args=(a_guest().id, SELDOM), daemon=True)
    stopping.start()
    assert silent_button.wait(PATIENCE)
    domain = outside.lookupByUUIDString(a_guest().id)
    domain.suspend()
    domain.resume()
    stopping.join(0.2)
    assert stopping.is_alive()
    domain.destroy()
    stopping.join(PATIENCE)
    assert not stopping.is_alive()
