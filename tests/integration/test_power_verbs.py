"""Switch real guests off and on, hold them, and interrupt them; what they say of themselves is asked."""

import os
import queue
import re
import signal
import time

import pytest

from nova.domain.lifecycle import Power
from tests.integration.real_guests import (
    BOOT_TIMEOUT,
    EVENT_TIMEOUT,
    NEEDS_A_HOST,
    TALK,
    drive,
    goes_on,
    no_image,
    said,
    until,
    uptimes,
)

pytestmark = NEEDS_A_HOST

DRIVE = drive(TALK)


def heard(told, guest, patience):
    """What is told next of the guest."""
    while True:
        guest_id, power = told.get(timeout=patience)
        if guest_id == guest.id:
            return power


def test_a_system_that_listens_shuts_itself_down_and_starts_anew(driver, talking, told):
    guest, ends = talking, said(driver, talking).count('Power down')
    assert driver.stop(guest.id, BOOT_TIMEOUT) is Power.SHUTDOWN
    assert driver.observe(guest.id).power is Power.SHUTDOWN
    assert said(driver, guest).count('Power down') > ends
    assert driver.stop(guest.id, 5) is Power.SHUTDOWN
    boots = said(driver, guest).count('GUEST-UP')
    assert driver.ensure(guest, no_image, DRIVE) is Power.RUNNING
    until(lambda: said(driver, guest).count('GUEST-UP') != boots, lambda: said(driver, guest)[-500:])
    with pytest.raises(queue.Empty):
        told.get(timeout=1)


def test_a_system_that_does_not_listen_is_cut_off(driver, unborn):
    began = time.monotonic()
    assert driver.stop(unborn.id, 1) is Power.SHUTDOWN
    assert time.monotonic() - began >= 1
    assert driver.observe(unborn.id).power is Power.SHUTDOWN
    assert driver.ensure(unborn, no_image, None) is Power.RUNNING
    assert driver.stop(unborn.id, 0) is Power.SHUTDOWN


def test_a_guest_that_is_held_stands_still_and_goes_on(driver, talking):
    guest = talking
    assert driver.pause(guest.id) is driver.pause(guest.id) is Power.PAUSED
    assert driver.observe(guest.id).power is Power.PAUSED
    before = uptimes(driver, guest)[-1]
    assert driver.unpause(guest.id) is driver.unpause(guest.id) is Power.RUNNING
    assert goes_on(driver, guest) >= before


def test_a_suspended_guest_goes_on_where_it_was(driver, talking):
    guest = talking
    before = uptimes(driver, guest)[-1]
    assert driver.suspend(guest.id) is driver.suspend(guest.id) is Power.SHUTDOWN
    assert driver.observe(guest.id).power is Power.SHUTDOWN
    assert driver.ensure(guest, no_image, DRIVE) is Power.RUNNING
    assert goes_on(driver, guest) >= before
    # Its log begins anew when it does; its system has not.
    assert 'GUEST-UP' not in said(driver, guest)


def interrupts(driver, guest):
    """How many that cannot be masked the guest says it got."""
    counted = re.findall(r'nmi=(\d+)', said(driver, guest))
    return int(counted[-1]) + said(driver, guest).count('NMI received')


def test_an_interrupt_that_cannot_be_masked_arrives(driver, talking):
    before = interrupts(driver, talking)
    driver.crash_dump(talking.id)
    until(lambda: interrupts(driver, talking) > before, lambda: said(driver, talking)[-500:])
    assert driver.observe(talking.id).power is Power.RUNNING


def test_a_guest_whose_process_dies_has_crashed(driver, host, unborn, told):
    pid = int((host.root / 'run' / 'qemu' / f'{unborn.name}.pid').read_text())
    os.kill(pid, signal.SIGKILL)
    assert heard(told, unborn, EVENT_TIMEOUT) is Power.CRASHED
    assert driver.observe(unborn.id).power is Power.CRASHED
    assert (unborn.id, Power.CRASHED) in {(seen.id, seen.power) for seen in driver.list()}
    assert driver.ensure(unborn, no_image, None) is Power.RUNNING


def test_a_system_that_shuts_down_by_itself_is_told(driver, host, talking, told):
    host.virsh('shutdown', talking.name)
    assert heard(told, talking, BOOT_TIMEOUT) is Power.SHUTDOWN
