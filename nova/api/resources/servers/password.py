"""Change the password of the administrator in a server."""

from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.verbs import ACTION, PASSWORD, admit, not_built
from nova.api.routes import route
from nova.api.schema import Body, Field

CHANGE = policy.project_member('os_compute_api:os-admin-password', "Changes the password of a server's administrator.")

CHANGE_PASSWORD = Body('changePassword', Field('adminPass', PASSWORD, required=True))


@route('POST', ACTION, action='changePassword', policy=CHANGE, body=CHANGE_PASSWORD, status=202)
def change(request: Request, server_id: str) -> None:
    admit(request, server_id, CHANGE, 'change_password')
    not_built('Changing the password in a server')
