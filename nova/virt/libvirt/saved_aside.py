"""Keep a guest's memory on disk while something is done to its disks, and have it go on afterwards, whatever happens.

A note in the guest's directory of snapshots says how it was. As long as that is there the guest is to be as it was again.
"""

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import libvirt

from nova import errors
from nova.domain.lifecycle import Power
from nova.virt.libvirt.connection import Connection

LOG = logging.getLogger(__name__)

NOTE = 'saved'
# How often a guest is looked at that is still being saved, and how long that may take, in seconds.
LOOK, LONGEST = 0.2, 300.0
# Told, while inside, that what is heard of the guest is our own doing; given how it is left.
WorkingOn = Callable[[str], contextlib.AbstractContextManager[Callable[[Power | None], None]]]


@contextlib.contextmanager
def saved(connection: Connection, guest_id: str, directory: str, power: Power, working_on: WorkingOn) -> Iterator[None]:
    """Nobody uses the guest's disks while inside. `power`: RUNNING or PAUSED, as it is just now and will be again."""
    with working_on(guest_id) as left:
        _write(directory, power)
        try:
            connection.save(guest_id)
            yield
        finally:
            if (now := go_on(connection, guest_id, directory)) is not None:
                left(now)


def go_on(connection: Connection, guest_id: str, directory: str) -> Power | None:
    """Have the guest be as it was before it was saved, and forget that; how it is then. None if it went off by itself."""
    power = _read(directory)
    if power is None:
        return None
    try:
        is_on = _wake(connection, guest_id, held=power is Power.PAUSED)
    except errors.NotFound:
        is_on = False
    if not is_on:
        LOG.info('Guest %s went off by itself while its disk was read.', guest_id)
    forget(directory)
    return power if is_on else None


def forget(directory: str) -> None:
    """Whatever the guest was, it is not to be made so again."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(directory, NOTE))


def is_noted(directory: str) -> bool:
    return os.path.exists(os.path.join(directory, NOTE))


def _wake(connection: Connection, guest_id: str, held: bool) -> bool:
    """Have the guest go on from what was kept of it; whether it is on then. One that is off by itself stays so."""
    flags = libvirt.VIR_DOMAIN_START_PAUSED if held else 0

    def wake(domain: Any) -> bool | None:
        if domain.isActive():
            return None if _is_being_saved(domain) else True
        if domain.hasManagedSaveImage():
            domain.createWithFlags(flags)
            return True
        return False

    until = time.monotonic() + LONGEST
    while (awake := connection.ask_domain(guest_id, wake)) is None:
        if time.monotonic() > until:
            raise errors.HostFailed(f'Guest {guest_id} is still being saved after {LONGEST:.0f} seconds.')
        time.sleep(LOOK)
    return awake


def _is_being_saved(domain: Any) -> bool:
    """Whether somebody who is gone has asked for the guest's memory; it is told to give that up."""
    try:
        if domain.jobInfo()[0] == libvirt.VIR_DOMAIN_JOB_NONE:
            return False
        domain.abortJob()
    except libvirt.libvirtError as failure:
        # It has ended just now, or such a thing is not known here.
        if failure.get_error_code() not in (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_NO_SUPPORT):
            raise
        return False
    return True


def _write(directory: str, power: Power) -> None:
    with open(os.path.join(directory, f'{NOTE}.part'), 'w', encoding='ascii') as file:
        file.write(power.name)
        file.flush()
        os.fsync(file.fileno())
    os.rename(os.path.join(directory, f'{NOTE}.part'), os.path.join(directory, NOTE))


def _read(directory: str) -> Power | None:
    try:
        with open(os.path.join(directory, NOTE), encoding='ascii') as file:
            return Power[file.read().strip()]
    except FileNotFoundError:
        return None
