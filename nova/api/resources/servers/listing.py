"""List servers, of all cells as one, page by page."""

import dataclasses
import logging
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers import filters, hosts, views
from nova.api.routes import route
from nova.db.stores import mappings, operations, servers
from nova.domain.cell import Down
from nova.domain.lifecycle import State
from nova.domain.queries import ServerQuery
from nova.domain.server import Server

LOG = logging.getLogger(__name__)

INDEX = policy.project_reader('os_compute_api:servers:index', 'Lists servers.')
DETAIL = policy.project_reader('os_compute_api:servers:detail', 'Lists servers with all that is known of them.')
ALL_INDEX = policy.admin('os_compute_api:servers:index:get_all_tenants', "Lists all projects' servers.")
ALL_DETAIL = policy.admin(
    'os_compute_api:servers:detail:get_all_tenants', "Lists all projects' servers with all that is known of them."
)
# Seconds after which a list goes on without the cells that have not answered.
PATIENCE = 10.0


@route('GET', '/servers', policy=INDEX, query=filters.QUERY, samples=('servers/servers-list-resp.json',))
def index(request: Request) -> dict[str, Any]:
    found = _found(request, ALL_INDEX)
    seen = views.lens(request, views.DETAIL)
    return _page(request, found, [views.brief(server, seen) for server in found], 'servers')


@route(
    'GET',
    '/servers/detail',
    policy=DETAIL,
    query=filters.QUERY,
    samples=tuple(
        f'servers/{version}servers-details-resp.json'
        for version in ('', *(f'v2.{n}/' for n in (3, 9, 16, 19, 47, 52, 63, 73, 90)))
    ),
)
def detail(request: Request) -> dict[str, Any]:
    found = _found(request, ALL_DETAIL)
    seen = views.lens(request, views.DETAIL, hosts.status_of(request, found))
    return _page(request, found, views.many(found, seen), 'servers', 'detail')


def _page(request: Request, found: list[Server], shown: list[dict[str, Any]], *path: str) -> dict[str, Any]:
    links = request.next_link(found, found[-1].id if found else '', *path)
    return {'servers': shown, 'servers_links': links} if links else {'servers': shown}


def _found(request: Request, all_tenants: policy.Rule) -> list[Server]:
    query = filters.read(request, all_tenants)
    limit, marker = request.page()
    if query is None or not limit:
        return []
    if marker:
        query = dataclasses.replace(query, marker=query.position(_marker(request, marker, query)))
    query = dataclasses.replace(query, limit=limit)
    # First those without a cell: a server that gets one in between is seen twice rather than not at all.
    placing = _without_cell(request, query)
    placed = _in_cells(request, query)
    known = {server.id for server in placed}
    return query.in_order([*placed, *(server for server in placing if server.id not in known)])


def _without_cell(request: Request, query: ServerQuery) -> list[Server]:
    if query.states is not None and State.BUILDING not in query.states:
        return []
    with request.databases.api.reading() as tx:
        return [server for server in operations.building(tx, query.project_id) if query.accepts(server)]


def _in_cells(request: Request, query: ServerQuery) -> list[Server]:
    answers = request.databases.across_cells(lambda tx, cell: servers.listing(tx, query), timeout=PATIENCE)
    found: list[Server] = []
    for cell, answer in answers.items():
        if isinstance(answer, Down):
            if not request.settings.list_skips_down_cells:
                raise errors.ServiceDown(f'Cell {cell.name} does not answer: {answer.reason}')
            LOG.warning('A list lacks the servers of cell %s: %s', cell.name, answer.reason)
        else:
            found += answer
    return found


def _marker(request: Request, server_id: str, query: ServerQuery) -> Server:
    """The server that the page before ended with, even if it was deleted meanwhile."""
    with request.databases.api.reading() as tx:
        mapping = mappings.find(tx, server_id)
        found = operations.building(tx, server_id=server_id) if mapping and mapping.cell_id is None else []
    if mapping and query.project_id in (None, mapping.project_id):
        if found:
            return found[0]
        if mapping.cell_id is not None:
            with request.databases.cell(mapping.cell_id).reading() as tx:
                server = servers.find(tx, server_id)
            if server is not None:
                return server
    raise errors.Invalid(f'marker [{server_id[:64]}] not found')
