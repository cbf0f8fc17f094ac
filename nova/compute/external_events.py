"""Do on this host what other services' events ask for."""

import logging
from collections.abc import Iterable
from typing import Any

from nova import errors
from nova.domain.external_event import PORT_DELETED, PORT_PLUGGED, POWER_UPDATE, ExternalEvent

LOG = logging.getLogger(__name__)


def arrive(events: Iterable[ExternalEvent], hypervisor: Any, guests: Any, interfaces: Any) -> None:
    """Take the events one after the other; one that fails does not keep the others from being taken."""
    for event in events:
        try:
            _take(event, hypervisor, guests, interfaces)
        except errors.NovaError as failure:
            LOG.warning('Event %s of server %s came to nothing: %s', event.name, event.server_id, failure)


def _take(event: ExternalEvent, hypervisor: Any, guests: Any, interfaces: Any) -> None:
    if event.name == POWER_UPDATE:
        _look_at_power(event, hypervisor, guests)
    elif event.name == PORT_DELETED and event.tag:
        interfaces.detach(event.server_id, event.tag)
    elif event.name == PORT_PLUGGED:
        guests.plugging.heard(event.server_id, event.tag, event.status)
    else:
        LOG.warning(
            'Event %s (%s, %s) of server %s has no effect: this host has no such device.',
            event.name, event.tag, event.status, event.server_id,
        )  # fmt: skip


def _look_at_power(event: ExternalEvent, hypervisor: Any, guests: Any) -> None:
    """The hypervisor knows better than the event what the guest's power is."""
    observed = hypervisor.observe(event.server_id)
    guests.changed(event.server_id, observed.power if observed else None)
