"""Tell how the hosts of servers are, for administrators."""

from collections.abc import Callable, Sequence

from nova.api.hosts import COMPUTE, service_up
from nova.api.request import Request
from nova.api.resources.servers import views
from nova.db.stores import services
from nova.domain.cell import Down
from nova.domain.host import Service
from nova.domain.server import Server


def status_of(request: Request, servers: Sequence[Server]) -> Callable[[Server], str]:
    """A function from a server to the status of its host, asked of the database once."""
    hosts = {server.host for server in servers if server.host}
    if not hosts or not views.sees_host_status(request):
        return lambda server: ''
    known = _of_one(request, servers[0]) if len(servers) == 1 and servers[0].cell_id else _of_all(request)

    def status(server: Server) -> str:
        service = known.get(server.host or '')
        if service is None:
            return views.UNKNOWN
        if service.forced_down:
            return 'DOWN'
        if not service.enabled:
            return 'MAINTENANCE'
        return 'UP' if service_up(request, service) else views.UNKNOWN

    return status


def _of_one(request: Request, server: Server) -> dict[str, Service]:
    with request.databases.cell(server.cell_id).reading() as tx:
        service = services.find(tx, server.host, COMPUTE)
    return {server.host: service} if service else {}


def _of_all(request: Request) -> dict[str, Service]:
    cells = [cell for cell in request.databases.cells() if not cell.is_cell0]
    answers = request.databases.across_cells(lambda tx, cell: services.listing(tx, binary=COMPUTE), cells=cells)
    found = [service for answer in answers.values() if not isinstance(answer, Down) for service in answer]
    return {service.host: service for service in found}
