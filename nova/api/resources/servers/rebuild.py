"""Make a server's disk anew from an image, and change what it is called and told."""

import dataclasses
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
from nova.api.resources.servers.verbs import ACTION, PASSWORD, admit, begin
from nova.api.routes import route
from nova.api.schema import BOOLEAN, DESCRIPTION, METADATA, NAME, Body, Field, truth
from nova.db.stores import keypairs
from nova.domain.block_device import IMAGE, LOCAL, BlockDevice
from nova.domain.guest_wishes import RECORDED_MACHINE
from nova.domain.image import Image
from nova.domain.keypair import KeyPair
from nova.domain.lifecycle import Activity
from nova.domain.server import Server
from nova.operations.guest_operation import with_guest
from nova.operations.rebuild_server import RebuildServer

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


# Fields of the body that are plain fields of the server.
PLAIN_FIELDS = {
    'name': 'name',
    'description': 'description',
    'hostname': 'hostname',
    'accessIPv4': 'access_ip_v4',
    'accessIPv6': 'access_ip_v6',
}


@route('POST', ACTION, action='rebuild', policy=REBUILD, body=REBUILD_BODY, status=202, samples=SAMPLES)
def rebuild(request: Request, server_id: str) -> Answer:
    if request.body.get('trusted_image_certificates'):
        request.require(TRUSTED_CERTIFICATES)
    server = admit(request, server_id, REBUILD, 'rebuild')
    password = request.body.get('adminPass') or names.new_password(request.settings.password_length)
    operation = _operation(request, server, password)
    names.refuse_another(request, server, request.body.get('name'))
    begin(request, operation)
    changed = dataclasses.replace(
        operation.rebuilt(server), activity=Activity.REBUILDING, updated_at=request.services.clock()
    )
    return _answer(request, changed, password)


def _operation(request: Request, server: Server, password: str) -> RebuildServer:
    body = request.body
    image = _image(request, server)
    if body.get('metadata'):
        quota.refuse_many_metadata(request, body['metadata'])
    key = _key(request, server, body['key_name']) if body.get('key_name') else None
    if truth(body.get('preserve_ephemeral')):
        raise errors.Invalid('The current driver does not support preserving ephemeral partitions.')
    certificates = body.get('trusted_image_certificates') or ()
    return RebuildServer(
        **with_guest(server),
        image=image,
        changes=_changes(body, server, image),
        image_properties=asked_image.kept_properties(image),
        metadata=body.get('metadata'),
        trusted_image_certificates=tuple(certificates) if 'trusted_image_certificates' in body else None,
        keypair=key,
        changes_keypair='key_name' in body,
        new_image=image.id != server.image_id or bool(certificates),
        admin_password=password,
        files=asked_files.wanted(request),
    )


def _image(request: Request, server: Server) -> Image:
    """The image asked for, which the server's flavor can hold and boot."""
    image = asked_image.find(request, asked_image.referred(request.body['imageRef']))
    if not server.image_id:
        _refuse_volume(request)
    asked_image.refuse_unfit(image, server.flavor, _root(image))
    return image


def _refuse_volume(request: Request) -> None:
    """A server that boots from a volume keeps its data until 2.92; later its volume is written anew."""
    if request.body.get('trusted_image_certificates'):
        raise errors.Invalid('Image certificate validation is not supported when booting from volume')
    if request.version < (2, 93):
        raise errors.Invalid('Unable to rebuild with a different image for a volume-backed server.')
    raise errors.NotImplementedHere('Writing an image to the volume of a server is not offered by this cloud yet.')


def _root(image: Image) -> BlockDevice:
    return BlockDevice(IMAGE, LOCAL, boot_index=0, image_id=image.id)


def _changes(body: dict[str, Any], server: Server, image: Image) -> dict[str, Any]:
    changes = {field: body[name] for name, field in PLAIN_FIELDS.items() if name in body}
    if 'user_data' in body:
        changes['user_data'] = asked_files.user_data(body)
    grows = asked_image.disk_config(body.get('OS-DCF:diskConfig'), image)
    if 'OS-DCF:diskConfig' in body:
        changes['disk_config'] = grows
    root_device_name = asked_image.root_device_name(image, _root(image))
    if root_device_name != server.root_device_name:
        changes['root_device_name'] = root_device_name
    if image.properties.get('hw_machine_type') and RECORDED_MACHINE in server.system_metadata:
        # What its guest began with stays for life, unless its owner now asks for another.
        changes['system_metadata'] = {
            key: value for key, value in server.system_metadata.items() if key != RECORDED_MACHINE
        }
    return changes


def _key(request: Request, server: Server, name: str) -> KeyPair:
    """The key is the server's owner's, whoever rebuilds it."""
    try:
        with request.databases.api.reading() as tx:
            return keypairs.get(tx, server.user_id, name)
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
