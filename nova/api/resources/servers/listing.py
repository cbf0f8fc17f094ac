"""List servers, of all cells as one, page by page."""

import dataclasses
import logging
from collections.abc import Callable, Iterable
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers import filters, hosts, views
from nova.api.routes import route
from nova.db.stores import mappings, operations, servers
from nova.db.stores.mappings import Mapping
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


# From here on servers of cells that are down are listed in part.
PARTIAL = (2, 69)


@dataclasses.dataclass(frozen=True)
class Page:
    """The servers of a page, and after them those of cells that do not answer."""

    servers: list[Any]
    unreachable: dict[str, Mapping] = dataclasses.field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        return [*(server.id for server in self.servers), *self.unreachable]


@route(
    'GET',
    '/servers',
    policy=INDEX,
    query=filters.QUERY,
    samples=(
        'servers/servers-list-resp.json',
        *(f'servers/v2.{n}/servers-list-resp.json' for n in (3, 9, 16, 19, 47, 52, 90, 94, 96)),
    ),
)
def index(request: Request) -> dict[str, Any]:
    page = _read(request, ALL_INDEX, servers.names, ServerQuery.named, ServerQuery.names_in_order)
    seen = views.lens(request, views.DETAIL)
    shown = [views.brief(server, seen) for server in page.servers]
    shown += [views.unreachable_brief(server_id, mapping, seen) for server_id, mapping in page.unreachable.items()]
    return _answer(request, page, shown, 'servers')


@route(
    'GET',
    '/servers/detail',
    policy=DETAIL,
    query=filters.QUERY,
    samples=tuple(
        f'servers/{version}servers-details-resp.json'
        for version in ('', *(f'v2.{n}/' for n in (3, 9, 16, 19, 47, 52, 63, 73, 90, 94, 96)))
    ),
)
def detail(request: Request) -> dict[str, Any]:
    page = _read(request, ALL_DETAIL, servers.listing, lambda _query, server: server, ServerQuery.in_order)
    seen = views.lens(request, views.DETAIL, hosts.status_of(request, page.servers))
    shown = views.many(page.servers, seen)
    shown += [views.unreachable_detail(server_id, mapping, seen) for server_id, mapping in page.unreachable.items()]
    return _answer(request, page, shown, 'servers', 'detail')


def _answer(request: Request, page: Page, shown: list[dict[str, Any]], *path: str) -> dict[str, Any]:
    links = request.next_link(page.ids, page.ids[-1] if page.ids else '', *path)
    return {'servers': shown, 'servers_links': links} if links else {'servers': shown}


def _read(
    request: Request,
    all_tenants: policy.Rule,
    listing: Callable[[Any, ServerQuery], list[Any]],
    item: Callable[[ServerQuery, Server], Any],
    in_order: Callable[[ServerQuery, Iterable[Any]], list[Any]],
) -> Page:
    """The page that is asked for. `listing` reads one cell's part of it, `item` makes the same of a server that has no
    cell yet, and `in_order` makes one list of all."""
    query = filters.read(request, all_tenants)
    limit, marker = request.page()
    if query is None or not limit:
        return Page([])
    query = dataclasses.replace(query, limit=limit)
    if marker:
        after = _marker(request, marker, query)
        if isinstance(after, Mapping):
            # The pages of the servers that can be read are over.
            return Page(
                [], _unreachable(request, query, _down_cells(request, query), limit, (after.created_at, marker))
            )
        query = dataclasses.replace(query, marker=query.position(after))
    # First those without a cell: a server that gets one in between is seen twice rather than not at all.
    placing = _without_cell(request, query)
    placed, down = _in_cells(request, query, listing)
    known = {server.id for server in placed}
    found = in_order(query, [*placed, *(item(query, server) for server in placing if server.id not in known)])
    return Page(found, _unreachable(request, query, down, limit - len(found)) if down else {})


def _without_cell(request: Request, query: ServerQuery) -> list[Server]:
    if query.states is not None and State.BUILDING not in query.states:
        return []
    with request.databases.api.reading() as tx:
        return [server for server in operations.building(tx, query.project_id) if query.accepts(server)]


def _in_cells(
    request: Request, query: ServerQuery, listing: Callable[[Any, ServerQuery], list[Any]]
) -> tuple[list[Any], list[Down]]:
    answers = request.databases.across_cells(lambda tx, cell: listing(tx, query), timeout=PATIENCE)
    down = [answer for answer in answers.values() if isinstance(answer, Down)]
    return [server for answer in answers.values() if not isinstance(answer, Down) for server in answer], down


def _down_cells(request: Request, query: ServerQuery) -> list[Down]:
    nothing = dataclasses.replace(query, ids=(), limit=1)
    return _in_cells(request, nothing, servers.names)[1]


def _unreachable(
    request: Request, query: ServerQuery, down: list[Down], limit: int, after: Any = None
) -> dict[str, Mapping]:
    """The servers of cells that do not answer, as far as the API database knows them. It cannot filter them."""
    partial = request.version >= PARTIAL and filters.is_unfiltered(request)
    for answer in down:
        if not partial and not request.settings.list_skips_down_cells:
            raise errors.ServiceDown(f'Cell {answer.cell.name} does not answer: {answer.reason}')
        LOG.warning('A list lacks the servers of cell %s: %s', answer.cell.name, answer.reason)
    if not partial or not down or limit <= 0:
        return {}
    with request.databases.api.reading() as tx:
        return mappings.of_cells(tx, [answer.cell.id for answer in down], query.project_id, limit, after)


def _marker(request: Request, server_id: str, query: ServerQuery) -> Server | Mapping:
    """The server that the page before ended with, even if it was deleted meanwhile; its mapping if its cell is down."""
    with request.databases.api.reading() as tx:
        mapping = mappings.find(tx, server_id)
        found = operations.building(tx, server_id=server_id) if mapping and mapping.cell_id is None else []
    if mapping and query.project_id in (None, mapping.project_id):
        if found:
            return found[0]
        if mapping.cell_id is not None:
            try:
                with request.databases.cell(mapping.cell_id).reading() as tx:
                    server = servers.find(tx, server_id)
            except errors.ServiceDown:
                return mapping
            if server is not None:
                return server
    raise errors.Invalid(f'marker [{server_id[:64]}] not found')
