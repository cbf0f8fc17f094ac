"""Show one server; of one whose cell does not answer, what is known of it elsewhere."""

from typing import Any

from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers import hosts, views
from nova.api.resources.servers.find import CellDown, find
from nova.api.routes import route
from nova.db.stores import operations

SHOW = policy.project_reader('os_compute_api:servers:show', 'Shows a server.')
SAMPLES = tuple(
    f'servers/{version}server-get-resp.json'
    for version in ('', *(f'v2.{n}/' for n in (3, 9, 16, 19, 47, 52, 63, 71, 73, 90, 94, 96)))
)
# From here on a server of a cell that is down is shown in part.
PARTIAL = (2, 69)


@route('GET', '/servers/{server_id}', policy=SHOW, samples=SAMPLES)
def show(request: Request, server_id: str) -> dict[str, Any]:
    try:
        server = find(request, server_id, SHOW)
    except CellDown as away:
        if request.version < PARTIAL:
            raise
        return {'server': _in_part(request, server_id, away)}
    return {'server': views.one(server, views.lens(request, views.SHOW, hosts.status_of(request, [server])))}


def _in_part(request: Request, server_id: str, away: CellDown) -> dict[str, Any]:
    """What the mapping says, and the journal of the server's creation while that is kept."""
    with request.databases.api.reading() as tx:
        asked = operations.request_of(tx, server_id)
    return views.unreachable(server_id, away.mapping, asked, views.lens(request, views.SHOW))
