"""Keep what is known of servers' ports as the network service has it."""

import dataclasses
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from nova import errors
from nova.context import Context
from nova.db.stores import ports
from nova.domain.external_event import FAILED, PORT_DELETED, PORT_PLUGGED, PORT_UNPLUGGED, ExternalEvent
from nova.domain.network import Port

LOG = logging.getLogger(__name__)


def refresh(cloud: Any, database: Any, context: Context, events: Iterable[ExternalEvent]) -> None:
    """Read the ports of the servers that the events are about, and note their addresses."""
    removed: dict[str, set[str]] = {}
    for event in events:
        of_server = removed.setdefault(event.server_id, set())
        if event.name == PORT_DELETED and event.tag:
            of_server.add(event.tag)
    for server_id, gone in removed.items():
        try:
            _refresh_one(cloud, database, context, server_id, gone)
        except errors.NovaError as failure:
            LOG.warning('The addresses of server %s stay as they were: %s', server_id, failure)


def note_wiring(database: Any, events: Iterable[ExternalEvent]) -> None:
    """Note which ports work, so that a guest that is started later, or once more, does not wait for what came before."""
    works: dict[str, dict[str, bool]] = {}
    for event in events:
        if event.tag and event.name in (PORT_PLUGGED, PORT_UNPLUGGED):
            works.setdefault(event.server_id, {})[event.tag] = event.name == PORT_PLUGGED and event.status != FAILED
    for server_id, by_port in works.items():
        try:
            database.write(lambda tx, server_id=server_id, by_port=by_port: _note_wiring(tx, server_id, by_port))
        except errors.NovaError as failure:
            LOG.warning('Which ports of server %s are wired stays as it was: %s', server_id, failure)


def wired(ports_now: Sequence[Port], works: Mapping[str, bool]) -> list[Port]:
    """The ports, each working or not as was told of it."""
    return [dataclasses.replace(port, active=works.get(port.id, port.active)) for port in ports_now]


def _note_wiring(tx: Any, server_id: str, works: Mapping[str, bool]) -> None:
    now = ports.of_server(tx, server_id, for_change=True)
    if (wanted := wired(now, works)) != list(now):
        ports.set_of_server(tx, server_id, wanted)


def refreshed(now: Sequence[Port], before: Sequence[Port], found: Sequence[Port], gone: Collection[str]) -> list[Port]:
    """The ports as they are, in the order that the guest knows.

    One that appeared after the network service was asked is kept. One that it has and we have not is no port of the
    server's: anybody may write a server's id on their own port.
    """
    asked, fresh = {port.id for port in before}, {port.id: port for port in found}
    return [
        dataclasses.replace(fresh[port.id], tag=port.tag, preserve_on_delete=port.preserve_on_delete)
        if port.id in fresh
        else port
        for port in now
        if port.id not in gone and (port.id in fresh or port.id not in asked)
    ]


def _refresh_one(cloud: Any, database: Any, context: Context, server_id: str, gone: Collection[str]) -> None:
    with database.reading() as tx:
        before = ports.of_server(tx, server_id)
    if not before:
        return
    found = cloud.network.ports_of(context, server_id)

    def note(tx: Any) -> None:
        now = ports.of_server(tx, server_id, for_change=True)
        if (wanted := refreshed(now, before, found, gone)) != list(now):
            ports.set_of_server(tx, server_id, wanted)

    database.write(note)
