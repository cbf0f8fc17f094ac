"""Show the addresses of a server, by network."""

from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers import views
from nova.api.resources.servers.find import find
from nova.api.routes import route

INDEX = policy.project_reader('os_compute_api:ips:index', "Lists a server's addresses.")
SHOW = policy.project_reader('os_compute_api:ips:show', "Shows a server's addresses in one network.")


@route('GET', '/servers/{server_id}/ips', policy=INDEX, samples=('server-ips/server-ips-resp.json',))
def index(request: Request, server_id: str) -> dict[str, Any]:
    return {'addresses': views.addresses(find(request, server_id, INDEX).ports, whole=False)}


@route('GET', '/servers/{server_id}/ips/{label}', policy=SHOW, samples=('server-ips/server-ips-network-resp.json',))
def show(request: Request, server_id: str, label: str) -> dict[str, Any]:
    found = views.addresses(find(request, server_id, SHOW).ports, whole=False)
    if label not in found:
        raise errors.NotFound('Instance is not a member of specified network')
    return {label: found[label]}
