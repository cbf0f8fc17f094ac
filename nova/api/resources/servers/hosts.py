"""Tell how the hosts of servers are, for administrators."""

from collections.abc import Callable, Sequence

from nova.api.hosts import COMPUTE, service_up
from nova.api.request import Request
from nova.api.resources.servers import views
from nova.db.stores import services
from nova.domain.cell import Down
from nova.domain.host import Service
from nova.domain.server import Server

# Seconds after which the hosts of a cell that has not answered count as unknown.
PATIENCE = 10.0


def status_of(request: Request, servers: Sequence[Server]) -> Callable[[Server], str]:
    """A function from a server to the status of its host, asked of the database once."""
    hosts = {server.host for server in servers if server.host}
    if not hosts or not views.sees_host_status(request):
        return lambda server: ''
    known = _services(request, hosts, {server.cell_id for server in servers})

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


def _services(request: Request, hosts: set[str], cell_ids: set[str | None]) -> dict[str, Service]:
    cells = [cell for cell in request.databases.cells() if cell.id in cell_ids or None in cell_ids]
    answers = request.databases.across_cells(
        lambda tx, cell: services.of_hosts(tx, hosts, COMPUTE), timeout=PATIENCE, cells=cells
    )
    found = [service for answer in answers.values() if not isinstance(answer, Down) for service in answer]
    return {service.host: service for service in found}
