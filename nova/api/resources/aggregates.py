"""Host aggregates: which hosts belong together, and what holds for them; some of them make availability zones."""

import dataclasses
import logging
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from nova import errors
from nova.api import policy, tell, zones
from nova.api.hosts import shown_moment
from nova.api.request import Answer, Request
from nova.api.routes import route
from nova.api.schema import HOST_NAME, METADATA_KEY, NAME, UUID, Body, Field
from nova.db.stores import aggregates, host_mappings
from nova.db.stores.aggregates import ZONE, Aggregate
from nova.domain.notifications import payloads
from nova.operations import memberships
from nova.rpc.conductor import Conductor

LOG = logging.getLogger(__name__)

INDEX = policy.admin('os_compute_api:os-aggregates:index', 'List aggregates.')
SHOW = policy.admin('os_compute_api:os-aggregates:show', 'Show an aggregate.')
CREATE = policy.admin('os_compute_api:os-aggregates:create', 'Create an aggregate.')
UPDATE = policy.admin('os_compute_api:os-aggregates:update', "Change an aggregate's name or availability zone.")
DELETE = policy.admin('os_compute_api:os-aggregates:delete', 'Delete an aggregate.')
ADD_HOST = policy.admin('os_compute_api:os-aggregates:add_host', 'Put a host into an aggregate.')
REMOVE_HOST = policy.admin('os_compute_api:os-aggregates:remove_host', 'Take a host out of an aggregate.')
SET_METADATA = policy.admin('os_compute_api:os-aggregates:set_metadata', "Change an aggregate's metadata.")
IMAGES = policy.admin('compute:aggregates:images', 'Have the hosts of an aggregate fetch images ahead of time.')

# A colon stands between zone and host where servers are created.
_ZONE = {'type': ['string', 'null'], 'minLength': 1, 'maxLength': 255, 'format': 'name', 'pattern': '^[^:]*$'}
_METADATA = {
    'type': 'object',
    'properties': {ZONE: _ZONE},
    'patternProperties': {METADATA_KEY: {'type': ['string', 'null'], 'maxLength': 255}},
    'additionalProperties': False,
}
_IMAGES = {
    'type': 'array',
    'minItems': 1,
    'maxItems': 1000,
    'uniqueItems': True,
    'items': {'type': 'object', 'properties': {'id': UUID}, 'required': ['id'], 'additionalProperties': False},
}
AGGREGATE = Body('aggregate', Field('name', NAME, required=True), Field(ZONE, _ZONE))
CHANGE = Body('aggregate', Field('name', NAME), Field(ZONE, _ZONE), least=1)
JOIN = Body('add_host', Field('host', HOST_NAME, required=True))
LEAVE = Body('remove_host', Field('host', HOST_NAME, required=True))
DESCRIBE = Body('set_metadata', Field('metadata', _METADATA, required=True))
CACHE = Body(None, Field('cache', _IMAGES, required=True))

_ACTION = '/os-aggregates/{aggregate_id}/action'


@route(
    'GET',
    '/os-aggregates',
    policy=INDEX,
    samples=('os-aggregates/aggregates-list-get-resp.json', 'os-aggregates/v2.41/aggregates-list-get-resp.json'),
)
def listing(request: Request) -> dict[str, Any]:
    with request.databases.api.reading() as tx:
        found = aggregates.listing(tx)
    return {'aggregates': [view(request, aggregate) for aggregate in found]}


@route(
    'GET',
    '/os-aggregates/{aggregate_id}',
    policy=SHOW,
    samples=('os-aggregates/aggregates-get-resp.json', 'os-aggregates/v2.41/aggregates-get-resp.json'),
)
def show(request: Request, aggregate_id: str) -> dict[str, Any]:
    return _shown(request, _number(aggregate_id))


@route(
    'POST',
    '/os-aggregates',
    policy=CREATE,
    body=AGGREGATE,
    repeatable=True,
    samples=('os-aggregates/aggregate-post-resp.json', 'os-aggregates/v2.41/aggregate-post-resp.json'),
)
def create(request: Request) -> Answer:
    name, zone, known_as = request.body['name'], request.body.get(ZONE), str(uuid.uuid4())
    metadata = {ZONE: zone} if zone else {}
    request.tell('aggregate.create.start', payloads.aggregate_to_be, known_as, name, metadata)
    with request.databases.api.writing() as tx:
        made = aggregates.create(tx, name, metadata, known_as)
        shown = view(request, made)
        answer = Answer({'aggregate': {key: shown[key] for key in shown if key not in ('hosts', 'metadata')}})
        request.keep(tx, answer)
    tell.aggregate(request, 'create.end', made)
    return answer


@route(
    'PUT',
    '/os-aggregates/{aggregate_id}',
    policy=UPDATE,
    body=CHANGE,
    samples=('os-aggregates/aggregate-update-post-resp.json', 'os-aggregates/v2.41/aggregate-update-post-resp.json'),
)
def update(request: Request, aggregate_id: str) -> dict[str, Any]:
    changes = {ZONE: request.body[ZONE]} if ZONE in request.body else {}
    named = {'name': request.body['name']} if 'name' in request.body else {}
    tell.aggregate(request, 'update_prop.start', _heard_of(request, aggregate_id), **named)
    _change(request, _number(aggregate_id), changes, 'update', name=request.body.get('name'))
    return _shown(request, _number(aggregate_id), 'update_prop')


@route('DELETE', '/os-aggregates/{aggregate_id}', policy=DELETE)
def delete(request: Request, aggregate_id: str) -> None:
    known = _heard_of(request, aggregate_id)
    tell.aggregate(request, 'delete.start', known)
    with request.databases.api.writing() as tx:
        aggregates.remove(tx, _number(aggregate_id))
    tell.aggregate(request, 'delete.end', known)


@route(
    'POST',
    _ACTION,
    action='set_metadata',
    policy=SET_METADATA,
    body=DESCRIBE,
    samples=(
        'os-aggregates/aggregates-metadata-post-resp.json',
        'os-aggregates/v2.41/aggregates-metadata-post-resp.json',
    ),
)
def set_metadata(request: Request, aggregate_id: str) -> dict[str, Any]:
    tell.aggregate(request, 'update_metadata.start', _heard_of(request, aggregate_id))
    _change(request, _number(aggregate_id), request.body['metadata'], 'update metadata of')
    return _shown(request, _number(aggregate_id), 'update_metadata')


@route(
    'POST',
    _ACTION,
    action='add_host',
    policy=ADD_HOST,
    body=JOIN,
    samples=(
        'os-aggregates/aggregates-add-host-post-resp.json',
        'os-aggregates/v2.41/aggregates-add-host-post-resp.json',
    ),
)
def add_host(request: Request, aggregate_id: str) -> dict[str, Any]:
    number, host = _number(aggregate_id), request.body['host']
    with request.databases.api.reading() as tx:
        known = aggregates.get(tx, number)
        cells = _cells(tx, [host])
    if host not in cells:
        raise errors.NotFound(f'Compute host {host} could not be found.')
    tell.aggregate(request, 'add_host.start', known)

    def join(tx: Any, aggregate: Aggregate) -> Aggregate:
        aggregates.add_host(tx, number, host)
        return dataclasses.replace(aggregate, hosts=(*aggregate.hosts, host))

    _rearrange(request, number, cells, 'add host to', join)
    _tell_placement(request)
    return _shown(request, number, 'add_host')


@route(
    'POST',
    _ACTION,
    action='remove_host',
    policy=REMOVE_HOST,
    body=LEAVE,
    samples=(
        'os-aggregates/aggregates-remove-host-post-resp.json',
        'os-aggregates/v2.41/aggregates-remove-host-post-resp.json',
    ),
)
def remove_host(request: Request, aggregate_id: str) -> dict[str, Any]:
    number, host = _number(aggregate_id), request.body['host']
    with request.databases.api.reading() as tx:
        known = aggregates.get(tx, number)
        cells = _cells(tx, [host])
    tell.aggregate(request, 'remove_host.start', known)

    def leave(tx: Any, aggregate: Aggregate) -> Aggregate:
        aggregates.remove_host(tx, number, host)
        return dataclasses.replace(aggregate, hosts=tuple(name for name in aggregate.hosts if name != host))

    _rearrange(request, number, cells, 'remove host from', leave)
    _tell_placement(request)
    return _shown(request, number, 'remove_host')


@route('POST', '/os-aggregates/{aggregate_id}/images', policy=IMAGES, body=CACHE, since='2.81', status=202)
def cache_images(request: Request, aggregate_id: str) -> None:
    wanted = [image['id'] for image in request.body['cache']]
    with request.databases.api.reading() as tx:
        found = aggregates.get(tx, _number(aggregate_id))
    for image_id in wanted:
        _refuse_unknown_image(request, image_id)
    tell.aggregate(request, 'cache_images.start', found)
    if found.hosts:
        conductors = request.services.bus.client(Conductor)
        of_aggregate = {'aggregate_id': found.id} if request.is_heard else {}
        conductors.cache_images(request.context, hosts=found.hosts, image_ids=tuple(wanted), **of_aggregate)
    else:
        tell.aggregate(request, 'cache_images.end', found)


def view(request: Request, aggregate: Aggregate) -> dict[str, Any]:
    """An aggregate as the API shows it; its UUID since 2.41."""
    shown = {
        'id': aggregate.id,
        'name': aggregate.name,
        'availability_zone': aggregate.availability_zone,
        'hosts': list(aggregate.hosts),
        'metadata': aggregate.metadata,
        'created_at': shown_moment(aggregate.created_at),
        'updated_at': shown_moment(aggregate.updated_at),
        'deleted': False,
        'deleted_at': None,
    }
    return shown | ({'uuid': aggregate.uuid} if request.version >= (2, 41) else {})


def _change(request: Request, number: int, changes: dict[str, str | None], what: str, name: str | None = None) -> None:
    """Add to the metadata, or take away what is None, and rename."""
    with request.databases.api.reading() as tx:
        members = aggregates.get(tx, number).hosts
        cells = _cells(tx, members) if ZONE in changes else {}

    def change(tx: Any, aggregate: Aggregate) -> Aggregate:
        metadata = {key: value for key, value in (aggregate.metadata | changes).items() if value is not None}
        aggregates.change(tx, number, metadata=metadata, **({'name': name} if name else {}))
        return dataclasses.replace(aggregate, metadata=metadata)

    _rearrange(request, number, cells, what, change, refused_as=errors.Invalid)


def _rearrange(
    request: Request,
    number: int,
    cells: dict[str, str],
    what: str,
    work: Callable[[Any, Aggregate], Aggregate],
    refused_as: type[errors.Refused] = errors.Conflict,
) -> None:
    """Do `work`, which answers what becomes of the aggregate, unless it would bring a host in `cells` into a wrong zone."""
    occupied = zones.occupied(request, cells) if cells else set()

    def rearrange(tx: Any) -> None:
        aggregates.get(tx, number, locked=True)
        aggregates.hold(tx, list(cells))
        before = aggregates.listing(tx)
        aggregate = next(known for known in before if known.id == number)
        changed = work(tx, aggregate)
        after = [changed if known.id == number else known for known in before]
        refusal = zones.refusal(before, after, cells, occupied, request.settings.default_availability_zone)
        if refusal:
            raise refused_as(f'Cannot {what} aggregate {number}. Reason: {refusal}.')

    request.databases.api.write(rearrange)


def _cells(tx: Any, hosts: Sequence[str]) -> dict[str, str]:
    """The cell of each of the hosts that are known."""
    return {host: cell for host, cell in host_mappings.listing(tx) if host in hosts} if hosts else {}


def _tell_placement(request: Request) -> None:
    placement = request.services.placement
    if placement is None:
        return
    try:
        memberships.tell(request.databases, placement)
    except errors.NovaError as failure:
        LOG.warning('Placement does not know the members of all aggregates yet; the conductors tell it: %s', failure)


def _refuse_unknown_image(request: Request, image_id: str) -> None:
    try:
        request.services.images.get(request.context, image_id)
    except errors.NotFound as missing:
        raise errors.Invalid(str(missing)) from missing


def _shown(request: Request, number: int, ended: str | None = None) -> dict[str, Any]:
    """The aggregate as it is; `ended` is what has been done to it."""
    with request.databases.api.reading() as tx:
        found = aggregates.get(tx, number)
    if ended:
        tell.aggregate(request, f'{ended}.end', found)
    return {'aggregate': view(request, found)}


def _heard_of(request: Request, aggregate_id: str) -> Aggregate | None:
    """The aggregate as it is before it is changed, if anybody is to be told of that."""
    if not request.is_heard:
        return None
    with request.databases.api.reading() as tx:
        return aggregates.get(tx, _number(aggregate_id))


def _number(aggregate_id: str) -> int:
    if not (aggregate_id.isascii() and aggregate_id.isdecimal() and len(aggregate_id) < 10):
        raise errors.Invalid(f'Aggregate id {aggregate_id[:64]} is not a number.')
    return int(aggregate_id)
