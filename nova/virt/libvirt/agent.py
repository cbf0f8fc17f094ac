"""Ask the agent in a guest: to hold its file systems still, and to change passwords."""

import contextlib
import logging
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import libvirt

from nova import errors
from nova.virt.libvirt.connection import Connection
from nova.virt.libvirt.domain_xml.devices import AGENT_CHANNEL

LOG = logging.getLogger(__name__)

# Seconds that an agent may take to answer.
PATIENCE = 20
NOT_ENABLED = 'QEMU guest agent is not enabled'


def check(connection: Connection, guest_id: str) -> None:
    """Raise Conflict unless the guest runs and has a channel to an agent that is at its other end."""
    xml = connection.live_xml(guest_id)
    if xml is None:
        raise errors.Conflict(f'Guest {guest_id} does not run, so nobody in it answers.')
    target = ElementTree.fromstring(xml).find(f"devices/channel/target[@name='{AGENT_CHANNEL}']")
    if target is None:
        raise errors.Conflict(NOT_ENABLED)
    if target.get('state') == 'disconnected':
        raise errors.Conflict('QEMU guest agent is not connected; see that it runs in the guest.')


def set_password(connection: Connection, guest_id: str, user: str, password: str) -> None:
    def change(domain: Any) -> None:
        _wait_no_longer(domain)
        domain.setUserPassword(user, password, 0)

    check(connection, guest_id)
    _ask(connection, guest_id, change, f'Failed to set admin password on {guest_id}')


def freeze(connection: Connection, guest_id: str) -> None:
    """Have the guest write all that it holds back, and nothing more until `thaw`."""

    def hold(domain: Any) -> None:
        _wait_no_longer(domain)
        domain.fsFreeze()

    check(connection, guest_id)
    _ask(connection, guest_id, hold, f'The file systems of guest {guest_id} could not be quiesced')


def thaw(connection: Connection, guest_id: str) -> None:
    """Let the guest write again. One that does already, or does not run, is fine."""
    try:
        _ask(
            connection, guest_id, lambda domain: domain.fsThaw(), f'Guest {guest_id} did not let go of its file systems'
        )
    except errors.Refused as failure:
        LOG.warning('%s', failure)


def _wait_no_longer(domain: Any) -> None:
    # Versions of libvirt that cannot set this wait a few seconds by themselves.
    with contextlib.suppress(AttributeError, libvirt.libvirtError):
        domain.agentSetResponseTimeout(PATIENCE, 0)


def _ask(connection: Connection, guest_id: str, question: Callable[[Any], Any], what: str) -> None:
    """What the agent refuses is a Conflict. libvirt's words never repeat what it was told."""

    def put(domain: Any) -> str | None:
        try:
            question(domain)
        except libvirt.libvirtError as failure:
            if not connection.link.connected():
                raise
            return failure.get_error_message() or str(failure)
        return None

    refusal = connection.ask_domain(guest_id, put)
    if refusal is not None:
        raise errors.Conflict(f'{what}: {refusal}')
