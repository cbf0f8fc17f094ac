"""Make images of a server's disk: once, or again and again with a limit on how many are kept."""

from nova import errors
from nova.api import policy, quota
from nova.api.request import Answer, Request
from nova.api.resources.servers import new_image
from nova.api.resources.servers.verbs import ACTION, admit
from nova.api.routes import route
from nova.api.schema import METADATA, NAME, Body, Field, integer, whole
from nova.domain.server import Server
from nova.domain.snapshot import BACKUP as KIND_OF_BACKUP
from nova.domain.snapshot import quiesce_of
from nova.operations.create_backup import CreateBackup
from nova.operations.create_image import CreateImage
from nova.operations.guest_operation import with_guest

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


@route(
    'POST',
    ACTION,
    action='createImage',
    policy=CREATE_IMAGE,
    body=IMAGE,
    status=202,
    samples=('servers/v2.45/server-action-create-image-resp.json',),
)
def create_image(request: Request, server_id: str) -> Answer:
    server = admit(request, server_id, CREATE_IMAGE, 'create_image')
    if not server.image_id:
        request.require(VOLUME_BACKED)
    _refuse_many_metadata(request)
    if not server.image_id:
        raise errors.NotImplementedHere('Images of servers that boot from a volume are not made by this cloud yet.')
    image_id = new_image.record(request, server, request.body['name'], metadata=request.body.get('metadata'))
    quiesce = quiesce_of(server.image_properties)
    new_image.fill(request, CreateImage(**with_guest(server), image_id=image_id, quiesce=quiesce), image_id)
    return new_image.answer(request, image_id)


@route(
    'POST',
    ACTION,
    action='createBackup',
    policy=CREATE_BACKUP,
    body=BACKUP,
    status=202,
    samples=('os-create-backup/v2.45/create-backup-resp.json',),
)
def create_backup(request: Request, server_id: str) -> Answer | None:
    """The newest `rotation` backups of the same type are kept; 0 removes them all, and makes none."""
    server = admit(request, server_id, CREATE_BACKUP, 'create_backup')
    if not server.image_id:
        raise errors.Invalid('Backup is not supported for volume-backed instances.')
    rotation = whole(request.body['rotation'], 'rotation')
    _refuse_many_metadata(request)
    image_id = _record_backup(request, server) if rotation else None
    operation = CreateBackup(
        **with_guest(server),
        project_id=server.project_id,
        backup_type=request.body['backup_type'],
        rotation=rotation,
        image_id=image_id,
        quiesce=quiesce_of(server.image_properties),
    )
    new_image.fill(request, operation, image_id)
    return new_image.answer(request, image_id) if image_id else None


def _record_backup(request: Request, server: Server) -> str:
    metadata = {**request.body.get('metadata', {}), 'backup_type': request.body['backup_type']}
    return new_image.record(request, server, request.body['name'], KIND_OF_BACKUP, metadata)


def _refuse_many_metadata(request: Request) -> None:
    """Since 2.39 the image service alone says how many an image may have."""
    if request.body.get('metadata') and request.version < (2, 39):
        quota.refuse_many_metadata(request, request.body['metadata'])
