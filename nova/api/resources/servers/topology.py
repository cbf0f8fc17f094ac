"""Show how a server's processors and memory lie on NUMA nodes."""

from typing import Any

from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.find import find
from nova.api.routes import route

INDEX = policy.project_reader('compute:server:topology:index', "Shows the NUMA topology of a server's guest.")
HOST = policy.admin('compute:server:topology:host:index', 'Shows on which NUMA nodes and processors of its host it is.')


@route('GET', '/servers/{server_id}/topology', policy=INDEX, since='2.78')
def index(request: Request, server_id: str) -> dict[str, Any]:
    """Guests have no topology of their own here, so there are no nodes to show."""
    find(request, server_id, INDEX)
    return {'nodes': [], 'pagesize_kb': None}
