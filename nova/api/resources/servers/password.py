"""Change the password of the administrator in a server."""

from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.verbs import ACTION, PASSWORD, admit, begin
from nova.api.routes import route
from nova.api.schema import Body, Field
from nova.domain.snapshot import admin_user
from nova.operations.change_password import ChangePassword
from nova.operations.guest_operation import with_guest

CHANGE = policy.project_member('os_compute_api:os-admin-password', "Changes the password of a server's administrator.")

CHANGE_PASSWORD = Body('changePassword', Field('adminPass', PASSWORD, required=True))


@route('POST', ACTION, action='changePassword', policy=CHANGE, body=CHANGE_PASSWORD, status=202)
def change(request: Request, server_id: str) -> None:
    """Only the host knows whether somebody in the guest listens; who asks is told at once if nobody does."""
    server = admit(request, server_id, CHANGE, 'change_password')
    guest = with_guest(server)
    request.services.compute(server.host, server.cell_id).check_password_change(request.context, server_id=server.id)
    user = admin_user(server.image_properties)
    begin(request, ChangePassword(**guest, user=user, password=request.body['adminPass']))
