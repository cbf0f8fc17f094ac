"""Make a server's disk anew from an image, and change what it is called and told."""

from typing import Any

from nova import errors
from nova.api import policy, quota
from nova.api.request import Answer, Request
from nova.api.resources.servers import asked_files, asked_image, hosts, names, views
from nova.api.resources.servers.bodies import (
    CERTIFICATES,
    DISK_CONFIG,
    FULL_HOSTNAME,
    HOSTNAME,
    IPV4,
    IPV6,
    PERSONALITY,
    USER_DATA_LENGTH,
)
from nova.api.resources.servers.verbs import ACTION, PASSWORD, admit, not_built
from nova.api.routes import route
from nova.api.schema import BOOLEAN, DESCRIPTION, METADATA, NAME, Body, Field, truth
from nova.db.stores import keypairs
from nova.domain.block_device import IMAGE, LOCAL, BlockDevice
from nova.domain.server import Server

REBUILD = policy.project_member('os_compute_api:servers:rebuild', 'Rebuilds a server.')
TRUSTED_CERTIFICATES = policy.project_member(
    'os_compute_api:servers:rebuild:trusted_certs', 'Rebuilds a server from an image that given certificates vouch for.'
)

# Until 2.74 this answer is one of the views that keep their old form.
SAMPLES = (
    'servers/server-action-rebuild-resp.json',
    *(f'servers/v2.{n}/server-action-rebuild-resp.json' for n in (19, 26, 47, 54, 57, 63, 71, 73, 75, 90, 94, 96)),
)
REBUILD_BODY = Body(
    'rebuild',
    Field('imageRef', {'type': 'string', 'minLength': 1, 'maxLength': 512}, required=True),
    Field('name', NAME),
    Field('adminPass', PASSWORD),
    Field('metadata', METADATA),
    Field('preserve_ephemeral', BOOLEAN),
    Field('OS-DCF:diskConfig', DISK_CONFIG),
    Field('accessIPv4', IPV4),
    Field('accessIPv6', IPV6),
    Field('personality', PERSONALITY, until='2.56'),
    Field('description', DESCRIPTION, since='2.19'),
    Field('key_name', {'type': ['string', 'null'], 'minLength': 1, 'maxLength': 255}, since='2.54'),
    Field('user_data', {'type': ['string', 'null'], 'format': 'base64', 'maxLength': USER_DATA_LENGTH}, since='2.57'),
    Field('trusted_image_certificates', CERTIFICATES, since='2.63'),
    Field('hostname', HOSTNAME, since='2.90', until='2.93'),
    Field('hostname', FULL_HOSTNAME, since='2.94'),
)


@route('POST', ACTION, action='rebuild', policy=REBUILD, body=REBUILD_BODY, status=202, samples=SAMPLES)
def rebuild(request: Request, server_id: str) -> Answer:
    if request.body.get('trusted_image_certificates'):
        request.require(TRUSTED_CERTIFICATES)
    server = admit(request, server_id, REBUILD, 'rebuild')
    _refuse_bad_arguments(request, server)
    password = request.body.get('adminPass') or names.new_password(request.settings.password_length)
    not_built('Rebuilding a server')
    return _answer(request, server, password)


def _refuse_bad_arguments(request: Request, server: Server) -> None:
    body = request.body
    image = asked_image.find(request, asked_image.referred(body['imageRef']))
    asked_image.refuse_unfit(image, server.flavor, BlockDevice(IMAGE, LOCAL, boot_index=0, image_id=image.id))
    asked_image.disk_config(body.get('OS-DCF:diskConfig'), image)
    if body.get('metadata'):
        quota.refuse_many_metadata(request, body['metadata'])
    if body.get('key_name'):
        _refuse_unknown_key(request, server, body['key_name'])
    if truth(body.get('preserve_ephemeral')):
        raise errors.Invalid('The current driver does not support preserving ephemeral partitions.')
    asked_files.wanted(request)


def _refuse_unknown_key(request: Request, server: Server, name: str) -> None:
    """The key is the server's owner's, whoever rebuilds it."""
    try:
        with request.databases.api.reading() as tx:
            keypairs.get(tx, server.user_id, name)
    except errors.NotFound:
        raise errors.Invalid('Invalid key_name provided.')


def _answer(request: Request, server: Server, password: str) -> Answer:
    """The server as an update shows it, and what only this answer tells."""
    seen = views.lens(request, views.UPDATED, hosts.status_of(request, [server]))
    shown: dict[str, Any] = views.one(server, seen, views.UPDATED)
    if request.settings.enable_instance_password:
        shown['adminPass'] = password
    if request.version >= (2, 54):
        shown['key_name'] = server.keypair.name if server.keypair else None
    if request.version >= (2, 57):
        shown.pop('OS-EXT-SRV-ATTR:user_data', None)
        shown['user_data'] = server.user_data
    return Answer({'server': shown}, headers=(('Location', request.url('servers', server.id)),))
