"""Make images of a server's disk: once, or again and again with a limit on how many are kept."""

from nova import errors
from nova.api import policy, quota
from nova.api.request import Request
from nova.api.resources.servers.verbs import ACTION, admit, not_built
from nova.api.routes import route
from nova.api.schema import METADATA, NAME, Body, Field, integer, whole

CREATE_IMAGE = policy.project_member('os_compute_api:servers:create_image', 'Makes an image of a server.')
VOLUME_BACKED = policy.project_member(
    'os_compute_api:servers:create_image:allow_volume_backed', 'Makes an image of a server that boots from a volume.'
)
CREATE_BACKUP = policy.project_member('os_compute_api:os-create-backup', 'Makes a backup of a server.')

IMAGE = Body('createImage', Field('name', NAME, required=True), Field('metadata', METADATA))
BACKUP = Body(
    'createBackup',
    Field('name', NAME, required=True),
    Field('backup_type', {'type': 'string', 'minLength': 1, 'maxLength': 255}, required=True),
    Field('rotation', integer(0), required=True),
    Field('metadata', METADATA),
)


@route('POST', ACTION, action='createImage', policy=CREATE_IMAGE, body=IMAGE, status=202)
def create_image(request: Request, server_id: str) -> None:
    server = admit(request, server_id, CREATE_IMAGE, 'create_image')
    if not server.image_id:
        request.require(VOLUME_BACKED)
    _refuse_many_metadata(request)
    not_built('Making an image of a server')


@route('POST', ACTION, action='createBackup', policy=CREATE_BACKUP, body=BACKUP, status=202)
def create_backup(request: Request, server_id: str) -> None:
    """The newest `rotation` backups of the same type are kept."""
    server = admit(request, server_id, CREATE_BACKUP, 'create_backup')
    if not server.image_id:
        raise errors.Invalid('Backup is not supported for volume-backed instances.')
    whole(request.body['rotation'], 'rotation')
    _refuse_many_metadata(request)
    not_built('Making a backup of a server')


def _refuse_many_metadata(request: Request) -> None:
    """Since 2.39 the image service alone says how many an image may have."""
    if request.body.get('metadata') and request.version < (2, 39):
        quota.refuse_many_metadata(request, request.body['metadata'])
