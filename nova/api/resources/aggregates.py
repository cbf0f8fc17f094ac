"""Host aggregates, to read: which hosts belong together, and what holds for them."""

from typing import Any

from nova import errors
from nova.api import policy
from nova.api.hosts import shown_moment
from nova.api.request import Request
from nova.api.routes import route
from nova.db.stores import aggregates

INDEX = policy.admin('os_compute_api:os-aggregates:index', 'List aggregates.')
SHOW = policy.admin('os_compute_api:os-aggregates:show', 'Show an aggregate.')


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
    if not (aggregate_id.isascii() and aggregate_id.isdecimal() and len(aggregate_id) < 10):
        raise errors.Invalid(f'Aggregate id {aggregate_id[:64]} is not a number.')
    with request.databases.api.reading() as tx:
        found = aggregates.get(tx, int(aggregate_id))
    return {'aggregate': view(request, found)}


def view(request: Request, aggregate: aggregates.Aggregate) -> dict[str, Any]:
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
