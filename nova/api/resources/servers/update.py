"""Change what a server is called and how it is described."""

import dataclasses
from typing import Any

from nova.api import policy, tell
from nova.api.request import Request
from nova.api.resources.servers import hosts, names, views
from nova.api.resources.servers.bodies import UPDATE
from nova.api.resources.servers.find import find_placed
from nova.api.routes import route
from nova.db.stores import servers

UPDATE_SERVER = policy.project_member('os_compute_api:servers:update', 'Changes a server.')
SAMPLES = (
    'servers/server-update-resp.json',
    'servers/v2.19/server-put-resp.json',
    *(f'servers/v2.{n}/server-update-resp.json' for n in (47, 63, 71, 73, 75, 90, 94, 96)),
)
_FIELDS = {
    'name': 'name',
    'OS-DCF:diskConfig': 'disk_config',
    'accessIPv4': 'access_ip_v4',
    'accessIPv6': 'access_ip_v6',
    'description': 'description',
    'hostname': 'hostname',
}


@route('PUT', '/servers/{server_id}', policy=UPDATE_SERVER, body=UPDATE, samples=SAMPLES)
def update(request: Request, server_id: str) -> dict[str, Any]:
    server = find_placed(request, server_id, UPDATE_SERVER)
    changes = {_FIELDS[name]: value for name, value in request.body.items()}
    if changes:
        names.refuse_another(request, server, changes.get('name'))
        with request.databases.cell(server.cell_id).writing() as tx:
            servers.change(tx, server_id, **changes)
        before, server = server, dataclasses.replace(server, **changes, updated_at=request.services.clock())
        tell.server_changed(request, before, server)
    seen = views.lens(request, views.UPDATED, hosts.status_of(request, [server]))
    return {'server': views.one(server, seen, views.UPDATED)}
