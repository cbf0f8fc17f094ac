"""Show and forget the password that a guest has set, encrypted with its server's public key."""

from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.find import find, find_placed
from nova.api.routes import route
from nova.db.stores import servers

SHOW = policy.project_reader('os_compute_api:os-server-password:show', "Shows a server's encrypted password.")
CLEAR = policy.project_member('os_compute_api:os-server-password:clear', "Forgets a server's encrypted password.")


@route(
    'GET',
    '/servers/{server_id}/os-server-password',
    policy=SHOW,
    samples=('os-server-password/get-password-resp.json',),
)
def show(request: Request, server_id: str) -> dict[str, str]:
    return {'password': find(request, server_id, SHOW).system_metadata.get('password', '')}


@route('DELETE', '/servers/{server_id}/os-server-password', policy=CLEAR, status=204)
def clear(request: Request, server_id: str) -> None:
    """The guest's own password stays; it can set another one here then."""
    server = find_placed(request, server_id, CLEAR)
    with request.databases.cell(server.cell_id).writing() as tx:
        kept = {name: value for name, value in servers.get(tx, server_id).system_metadata.items() if name != 'password'}
        servers.change(tx, server_id, system_metadata=kept)
