"""Copy a disk while its guest goes on writing to it."""

import contextlib
import time
from typing import Any
from xml.etree import ElementTree

import libvirt

from nova import errors
from nova.virt.libvirt.connection import Connection

# How often a copy is looked at, and how long one may take, in seconds.
LOOK, LONGEST = 0.1, 3600.0
# The file is ours and there; a copy that is cut off is begun anew, so libvirt need not be able to go on with it.
FLAGS = libvirt.VIR_DOMAIN_BLOCK_COPY_REUSE_EXT | libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB


# What libvirt says of a guest, or a QEMU, that cannot be copied while it runs.
IMPOSSIBLE = frozenset(
    {
        libvirt.VIR_ERR_OPERATION_UNSUPPORTED,
        libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
        libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
        libvirt.VIR_ERR_OPERATION_INVALID,
        libvirt.VIR_ERR_NO_SUPPORT,
    }
)


class Impossible(Exception):
    """The disk cannot be copied while its guest runs."""


def begin(connection: Connection, guest_id: str, source: str, copy: str, kind: str, shallow: bool) -> None:
    """Have QEMU write all that the disk at `source` holds to `copy` as well; `shallow` leaves out what lies beneath.

    Errors: Impossible, HostFailed.
    """
    flags = FLAGS | (libvirt.VIR_DOMAIN_BLOCK_COPY_SHALLOW if shallow else 0)

    def start(domain: Any) -> None:
        disk = _disk(domain, source)
        if disk is None:
            raise errors.HostFailed(f'Guest {guest_id} does not use {source}.')
        if disk.find('mirror') is not None:
            return
        try:
            domain.blockCopy(_target(disk), _description(copy, kind), None, flags)
        except libvirt.libvirtError as failure:
            if failure.get_error_code() in IMPOSSIBLE and domain.isActive():
                raise Impossible(failure.get_error_message() or str(failure)) from failure
            raise

    connection.ask_domain(guest_id, start)


def wait(connection: Connection, guest_id: str, source: str) -> bool:
    """Wait until the copy has all that the disk has, and gets what is written from then on. False if the guest stopped."""
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        ready = connection.ask_domain(guest_id, lambda domain: _ready(domain, source))
        if ready is not None:
            return ready
        time.sleep(LOOK)
    raise errors.HostFailed(f'Copying the disk of guest {guest_id} took longer than {LONGEST:.0f} s and was given up.')


def end(connection: Connection, guest_id: str, source: str) -> bool:
    """Write no more to the copy, which has then all that the disk had. False if the guest had stopped before."""

    def stop(domain: Any) -> bool:
        disk = _disk(domain, source)
        if disk is None or disk.find('mirror') is None:
            return False
        domain.blockJobAbort(_target(disk), 0)
        return True

    return connection.ask_domain(guest_id, stop)


def give_up(connection: Connection, guest_id: str) -> None:
    """End whatever copy of the guest's disks goes on. None, or no guest, is fine."""

    def stop(domain: Any) -> None:
        for disk in _disks(domain):
            if disk.find('mirror') is not None:
                with contextlib.suppress(libvirt.libvirtError):
                    domain.blockJobAbort(_target(disk), 0)

    with contextlib.suppress(errors.NotFound):
        connection.ask_domain(guest_id, stop)


def _ready(domain: Any, source: str) -> bool | None:
    disk = _disk(domain, source)
    if disk is None:
        return False
    mirror = disk.find('mirror')
    if mirror is None:
        raise errors.HostFailed(
            f'Copying {source} was given up by QEMU; see its log. Perhaps the host has no room left.'
        )
    return True if mirror.get('ready') == 'yes' else None


def _disk(domain: Any, source: str) -> Any:
    found = [disk for disk in _disks(domain) if disk.find('source') is not None]
    return next((disk for disk in found if disk.find('source').get('file') == source), None)


def _disks(domain: Any) -> list[Any]:
    """Those of a guest that runs, as it has them now."""
    return ElementTree.fromstring(domain.XMLDesc()).findall('devices/disk') if domain.isActive() else []


def _target(disk: Any) -> str:
    return disk.find('target').get('dev')


def _description(copy: str, kind: str) -> str:
    made = ElementTree.Element('disk', type='file', device='disk')
    ElementTree.SubElement(made, 'driver', name='qemu', type=kind)
    ElementTree.SubElement(made, 'source', file=copy)
    return ElementTree.tostring(made, encoding='unicode')
