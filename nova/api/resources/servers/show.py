"""Show one server."""

from typing import Any

from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers import hosts, views
from nova.api.resources.servers.find import find
from nova.api.routes import route

SHOW = policy.project_reader('os_compute_api:servers:show', 'Shows a server.')
SAMPLES = tuple(
    f'servers/{version}server-get-resp.json'
    for version in ('', *(f'v2.{n}/' for n in (3, 9, 16, 19, 47, 52, 63, 71, 73, 90)))
)


@route('GET', '/servers/{server_id}', policy=SHOW, samples=SAMPLES)
def show(request: Request, server_id: str) -> dict[str, Any]:
    server = find(request, server_id, SHOW)
    return {'server': views.one(server, views.lens(request, views.SHOW, hosts.status_of(request, [server])))}
