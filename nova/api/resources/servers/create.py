"""Create servers: check what is asked for, record it, and answer before anything is built."""

import dataclasses
import uuid
from collections.abc import Sequence
from typing import Any

from nova import errors
from nova.api import policy, quota, tell
from nova.api.request import Answer, Request
from nova.api.resources.servers import (
    asked_disks,
    asked_files,
    asked_hints,
    asked_image,
    asked_networks,
    asked_place,
    names,
)
from nova.api.resources.servers.bodies import CREATE
from nova.api.routes import route
from nova.api.schema import truth, whole
from nova.db.stores import keypairs
from nova.domain import guest_wishes
from nova.domain.block_device import BlockDevice
from nova.domain.flavor import Flavor
from nova.domain.image import Image
from nova.domain.keypair import KeyPair
from nova.domain.operation import OperationRow
from nova.domain.server import ServerRequest
from nova.operations import start

CREATE_SERVER = policy.project_member('os_compute_api:servers:create', 'Creates a server.')
ATTACH_VOLUME = policy.project_member('os_compute_api:servers:create:attach_volume', 'Creates a server with disks.')
TRUSTED_CERTIFICATES = policy.project_member(
    'os_compute_api:servers:create:trusted_certs', 'Creates a server from an image that given certificates vouch for.'
)
ZERO_DISK = policy.admin(
    'os_compute_api:servers:create:zero_disk_flavor',
    'Creates a server with a disk as large as its image happens to be.',
)

SAMPLES = tuple(
    f'servers/{version}server-create-resp.json'
    for version in ('', *(f'v2.{n}/' for n in (19, 32, 37, 42, 47, 52, 57, 63, 74, 90)))
)


@route('POST', '/servers', policy=CREATE_SERVER, body=CREATE, status=202, samples=SAMPLES, repeatable=True)
def create(request: Request) -> Answer:
    """Create one server, or several of one kind."""
    body = request.body
    least, most = counts(body)
    _refuse_forbidden(request)
    flavor = _flavor(request)
    image, disks = _image_and_disks(request, flavor, most)
    template = _template(request, flavor, image, disks, most)
    _refuse_unready(template)

    def record(tx: Any) -> tuple[Answer, list[OperationRow]]:
        count = quota.room(tx, request, flavor, least, most)
        count = asked_hints.group_room(tx, request, template.scheduler_hints, least, count)
        wanted = several(template, body.get('hostname'), count)
        names.refuse_taken(request, [server.name for server in wanted], request.context.project_id)
        rows = start.record_creation(request.services, tx, request.context, wanted)
        asked_hints.join_group(tx, template.scheduler_hints, [server.server_id for server in wanted])
        answer = _answer(request, wanted[0])
        request.keep(tx, answer)
        return answer, rows

    answer, rows = request.databases.api.write(record)
    start.tell(request.services, request.context, rows)
    tell.group_joined(request, template.scheduler_hints.get('group'))
    return answer


def counts(body: dict[str, Any]) -> tuple[int, int]:
    """How many servers at least, and at most."""
    least = whole(body.get('min_count', 1), 'min_count', 1)
    most = whole(body.get('max_count', least), 'max_count', 1)
    if least > most:
        raise errors.Invalid('min_count must be <= max_count')
    return least, most


def several(template: ServerRequest, hostname: str | None, count: int) -> list[ServerRequest]:
    """The requests for servers that differ in name, id and number only."""
    hostnames = names.hostnames_of(hostname, count) if hostname else [None] * count
    wanted = []
    for number, name in enumerate(names.names_of(template.name, count)):
        server_id = str(uuid.uuid4())
        wanted.append(
            dataclasses.replace(
                template,
                server_id=server_id,
                name=name,
                hostname=hostnames[number] or names.hostname_of(name, server_id),
                launch_index=number,
            )
        )
    return wanted


def _template(
    request: Request, flavor: Flavor, image: Image | None, disks: tuple[BlockDevice, ...], most: int
) -> ServerRequest:
    body, context = request.body, request.context
    metadata = body.get('metadata') or {}
    if metadata:
        quota.refuse_many_metadata(request, metadata)
    place = asked_place.wanted(request)
    groups = tuple(dict.fromkeys(group['name'] for group in body.get('security_groups') or ()))
    networks = asked_networks.wanted(request, most, groups)
    image_properties = asked_image.kept_properties(image)
    root = next(disk for disk in disks if disk.is_root)
    return ServerRequest(
        server_id='',
        name=body['name'],
        hostname='',
        project_id=context.project_id,
        user_id=context.user_id,
        flavor=flavor,
        image_id=image.id if image else None,
        image=image,
        image_properties=image_properties,
        networks=networks,
        security_groups=groups or (() if networks is None else (asked_networks.DEFAULT_GROUP,)),
        keypair=_keypair(request),
        metadata=metadata,
        tags=tuple(body.get('tags') or ()),
        description=_description(request),
        user_data=asked_files.user_data(body),
        config_drive=truth(body.get('config_drive')) or image_properties.get('img_config_drive') == 'mandatory',
        availability_zone=place.zone,
        host=place.host,
        node=place.node,
        forced=place.forced,
        access_ip_v4=body.get('accessIPv4'),
        access_ip_v6=body.get('accessIPv6'),
        disk_config=asked_image.disk_config(body.get('OS-DCF:diskConfig'), image),
        reservation_id=names.new_reservation_id(),
        root_device_name=asked_image.root_device_name(image, root),
        trusted_image_certificates=tuple(body.get('trusted_image_certificates') or ()),
        scheduler_hints=asked_hints.wanted(request),
        block_devices=disks,
        admin_password=body.get('adminPass') or names.new_password(request.settings.password_length),
        files=asked_files.wanted(request),
        created_at=request.services.clock(),
    )


def _description(request: Request) -> str | None:
    """Before servers had descriptions, their names stood in."""
    return request.body.get('description') if request.version >= (2, 19) else request.body['name']


def _refuse_forbidden(request: Request) -> None:
    body = request.body
    if body.get('block_device_mapping') or body.get('block_device_mapping_v2'):
        request.require(ATTACH_VOLUME)
    if body.get('trusted_image_certificates'):
        request.require(TRUSTED_CERTIFICATES)


def _refuse_unready(wanted: ServerRequest) -> None:
    """What may be asked for, and is right, but nothing stands behind yet. Said before anything is recorded."""
    volumes = any(not disk.on_host for disk in wanted.block_devices)
    if wanted.trusted_image_certificates and volumes:
        raise errors.Invalid('Image certificate validation is not supported when booting from volume')
    if volumes:
        raise errors.NotImplementedHere(asked_disks.NO_VOLUMES)


def _flavor(request: Request) -> Flavor:
    flavor_id = str(request.body['flavorRef']).rstrip('/').rpartition('/')[2]
    context = request.context
    try:
        flavor = request.services.flavors.get(flavor_id, None if context.is_admin else context.project_id)
    except errors.NotFound:
        raise errors.Invalid(f'Flavor {flavor_id} could not be found.')
    if flavor.disabled:
        raise errors.Invalid(f'Flavor {flavor_id} is disabled and so cannot be used for booting servers.')
    return flavor


def _image_and_disks(request: Request, flavor: Flavor, most: int) -> tuple[Image | None, tuple[BlockDevice, ...]]:
    referred = asked_image.referred(request.body.get('imageRef'))
    asked = asked_disks.asked(request.body, referred)
    image = asked_image.find(request, asked_disks.image_id(asked, referred))
    disks = asked_disks.complete(asked, image, flavor, most, request.settings.max_local_block_devices)
    root = next(disk for disk in disks if disk.is_root)
    if root.on_host and not flavor.disk_gb and not request.may(ZERO_DISK):
        raise errors.Forbidden('Only volume-backed servers are allowed for flavors with zero disk.')
    if image:
        asked_image.refuse_unfit(image, flavor, root)
    else:
        guest_wishes.refuse(flavor, {})
    asked_image.refuse_unfound(request, disks)
    return image, disks


def _keypair(request: Request) -> KeyPair | None:
    name = request.body.get('key_name')
    if not name:
        return None
    try:
        with request.databases.api.reading() as tx:
            return keypairs.get(tx, request.context.user_id, name)
    except errors.NotFound:
        raise errors.Invalid('Invalid key_name provided.')


def _answer(request: Request, first: ServerRequest) -> Answer:
    if truth(request.body.get('return_reservation_id')):
        return Answer({'reservation_id': first.reservation_id})
    links = request.links('servers', first.server_id)
    shown: dict[str, Any] = {
        'id': first.server_id,
        'links': links,
        'OS-DCF:diskConfig': first.disk_config,
        'security_groups': _shown_groups(first.security_groups),
    }
    if request.settings.enable_instance_password:
        shown['adminPass'] = first.admin_password
    return Answer({'server': shown}, headers=(('Location', links[0]['href']),))


def _shown_groups(groups: Sequence[str]) -> list[dict[str, str]]:
    return [{'name': name} for name in groups or (asked_networks.DEFAULT_GROUP,)]
