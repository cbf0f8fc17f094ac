"""Events about servers that other services send."""

from typing import Any

from nova import errors
from nova.api import policy
from nova.api.hosts import gather
from nova.api.request import Answer, Request
from nova.api.routes import route
from nova.api.schema import UUID, Body, Field
from nova.db.stores import hosts, mappings
from nova.domain.external_event import (
    ACCELERATOR_BOUND,
    NETWORK_CHANGED,
    OF_PORTS,
    PORT_DELETED,
    PORT_PLUGGED,
    PORT_UNPLUGGED,
    POWER_UPDATE,
    VOLUME_EXTENDED,
    VOLUME_REIMAGED,
    ExternalEvent,
)

CREATE = policy.service('os_compute_api:os-server-external-events:create', 'Tell about events of servers.')

# Each name with the first version that has it.
_NAMES = (
    (NETWORK_CHANGED, '2.1'),
    (PORT_PLUGGED, '2.1'),
    (PORT_UNPLUGGED, '2.1'),
    (PORT_DELETED, '2.1'),
    (VOLUME_EXTENDED, '2.51'),
    (POWER_UPDATE, '2.76'),
    (ACCELERATOR_BOUND, '2.82'),
    (VOLUME_REIMAGED, '2.93'),
)
_WITH_TAG = frozenset({VOLUME_EXTENDED, ACCELERATOR_BOUND, VOLUME_REIMAGED})
_POWERS = frozenset({'POWER_ON', 'POWER_OFF'})


def _events(count: int) -> dict[str, Any]:
    """A list of events that have one of the first `count` names."""
    event = {
        'type': 'object',
        'properties': {
            'server_uuid': UUID,
            'name': {'type': 'string', 'enum': [name for name, _since in _NAMES[:count]]},
            'status': {'type': 'string', 'enum': ['failed', 'completed', 'in-progress']},
            'tag': {'type': 'string', 'maxLength': 255},
        },
        'required': ['server_uuid', 'name'],
        'additionalProperties': False,
    }
    return {'type': 'array', 'minItems': 1, 'maxItems': 1000, 'items': event}


EVENTS = Body(
    None,
    Field('events', _events(4), until='2.50', required=True),
    Field('events', _events(5), since='2.51', until='2.75', required=True),
    Field('events', _events(6), since='2.76', until='2.81', required=True),
    Field('events', _events(7), since='2.82', until='2.92', required=True),
    Field('events', _events(8), since='2.93', required=True),
)


@route(
    'POST',
    '/os-server-external-events',
    policy=CREATE,
    body=EVENTS,
    samples=('os-server-external-events/event-create-resp.json',),
)
def create(request: Request) -> Answer:
    asked = request.body['events']
    found = _hosts_of(request, {event['server_uuid'] for event in asked})
    shown, taken = [], []
    for event in asked:
        code = _code(event, found)
        shown.append({'status': 'completed', **event, 'code': code} | ({} if code == 200 else {'status': 'failed'}))
        if code == 200:
            taken.append(ExternalEvent(event['name'], event['server_uuid'], shown[-1]['status'], event.get('tag')))
    if not taken:
        raise errors.NotFound('No instances found for any event')
    _dispatch(request, taken, found)
    return Answer({'events': shown}, status=200 if len(taken) == len(shown) else 207)


# The cell, and the hosts that have, or are getting, a guest of the server.
Place = tuple[str | None, frozenset[str]]


def _code(event: dict[str, Any], found: dict[str, Place]) -> int:
    """What becomes of an event: 404 for a server that is not there, 422 for one that no host has, 400 for nonsense."""
    place = found.get(event['server_uuid'])
    if place is None:
        return 404
    name, tag = event['name'], event.get('tag')
    if (name in _WITH_TAG and not tag) or (name == POWER_UPDATE and tag not in _POWERS):
        return 400
    return 200 if place[1] else 422


def _hosts_of(request: Request, server_ids: set[str]) -> dict[str, Place]:
    """Where each server is that there is; one that has no cell yet, or whose cell is away, is nowhere."""
    with request.databases.api.reading() as tx:
        known = mappings.find_many(tx, server_ids)
    asked = gather(request, lambda tx, cell: [(cell.id, hosts.of_servers(tx, _in_cell(known, cell.id)))])
    answered = dict(asked.items)
    found: dict[str, Place] = {}
    for server_id, mapping in known.items():
        if mapping.cell_id in answered:
            if (on := answered[mapping.cell_id].get(server_id)) is not None:
                found[server_id] = (mapping.cell_id, on)
        elif not mapping.queued_for_delete:
            found[server_id] = (mapping.cell_id, frozenset())
    return found


def _in_cell(known: dict[str, Any], cell_id: str) -> list[str]:
    return [server_id for server_id, mapping in known.items() if mapping.cell_id == cell_id]


def _dispatch(request: Request, events: list[ExternalEvent], found: dict[str, Place]) -> None:
    """What is about ports goes to the cell's conductors, the rest to the hosts: one message each."""
    for_cells: dict[str | None, list[ExternalEvent]] = {}
    for_hosts: dict[tuple[str | None, str], list[ExternalEvent]] = {}
    for event in events:
        cell_id, on = found[event.server_id]
        if event.name in OF_PORTS:
            for_cells.setdefault(cell_id, []).append(event)
        else:
            for host in on:
                for_hosts.setdefault((cell_id, host), []).append(event)
    for cell_id, of_cell in for_cells.items():
        request.services.conductor(cell_id).external_events(request.context, events=tuple(of_cell))
    for (cell_id, host), of_host in for_hosts.items():
        request.services.compute(host, cell_id).external_events(request.context, events=tuple(of_host))
