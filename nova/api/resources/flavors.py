"""Flavors: the sizes that servers can have."""

import uuid
from typing import Any

from nova import errors
from nova.api import policy, tell
from nova.api.microversions import Version
from nova.api.request import Answer, Request
from nova.api.resources.flavor_extra_specs import INDEX as SEE_EXTRA_SPECS
from nova.api.routes import route
from nova.api.schema import (
    BOOLEAN,
    LOOSE_NAME,
    QUERY_NUMBER,
    QUERY_TEXT,
    Body,
    Field,
    Query,
    integer,
    truth,
    whole,
)
from nova.db.stores import flavors
from nova.domain.flavor import Flavor
from nova.domain.notifications import payloads
from nova.domain.queries import FlavorQuery

# No rule guards these; whoever has a token may look.
ANYBODY = None
CREATE = policy.admin('os_compute_api:os-flavor-manage:create', 'Create a flavor.')
UPDATE = policy.admin('os_compute_api:os-flavor-manage:update', "Change a flavor's description.")
DELETE = policy.admin('os_compute_api:os-flavor-manage:delete', 'Delete a flavor.')

# What clients sort by, and our names for it.
_SORT_KEYS = {
    'flavorid': 'id',
    # The order in which they were made: the number that clients mean is not shown to them.
    'id': 'created_at',
    'name': 'name',
    'memory_mb': 'memory_mb',
    'vcpus': 'vcpus',
    # A weight that flavors no longer have: all are equal.
    'vcpu_weight': 'id',
    'root_gb': 'disk_gb',
    'ephemeral_gb': 'ephemeral_gb',
    'swap': 'swap_mb',
    'rxtx_factor': 'rxtx_factor',
    'is_public': 'is_public',
    'disabled': 'disabled',
    'description': 'description',
    'created_at': 'created_at',
    'updated_at': 'updated_at',
}
LIST = Query(
    Field('limit', QUERY_NUMBER, many=True),
    Field('marker', QUERY_TEXT, many=True),
    Field('is_public', QUERY_TEXT, many=True),
    Field('minRam', QUERY_TEXT, many=True),
    Field('minDisk', QUERY_TEXT, many=True),
    Field('sort_key', {'type': 'string', 'enum': sorted(_SORT_KEYS)}, many=True),
    Field('sort_dir', {'type': 'string', 'enum': ['asc', 'desc']}, many=True),
)

_ID = {
    'type': ['string', 'number', 'null'],
    'minLength': 1,
    'maxLength': 255,
    'pattern': '^(?! )[a-zA-Z0-9. _-]*(?<! )$',
}
_FACTOR = {'type': ['number', 'string'], 'pattern': r'^[0-9]{1,10}(\.[0-9]{1,10})?$', 'minimum': 0, 'maximum': 3.4e38}
_DESCRIPTION = {'type': ['string', 'null'], 'maxLength': 65535, 'format': 'text'}
FLAVOR = Body(
    'flavor',
    Field('name', LOOSE_NAME, required=True),
    Field('id', _ID),
    Field('ram', integer(1), required=True),
    Field('vcpus', integer(1), required=True),
    Field('disk', integer(0), required=True),
    Field('OS-FLV-EXT-DATA:ephemeral', integer(0)),
    Field('swap', integer(0)),
    Field('rxtx_factor', _FACTOR),
    Field('os-flavor-access:is_public', BOOLEAN),
    Field('description', _DESCRIPTION, since='2.55'),
)
CHANGE = Body('flavor', Field('description', _DESCRIPTION, required=True))


@route(
    'GET',
    '/flavors',
    policy=ANYBODY,
    query=LIST,
    samples=('flavors/flavors-list-resp.json', 'flavors/v2.55/flavors-list-resp.json'),
)
def listing(request: Request) -> dict[str, Any]:
    found = _find(request)
    return {'flavors': [summary(request, flavor) for flavor in found], **_more(request, found, 'flavors')}


@route(
    'GET',
    '/flavors/detail',
    policy=ANYBODY,
    query=LIST,
    samples=(
        'flavors/flavors-detail-resp.json',
        'flavors/v2.55/flavors-detail-resp.json',
        'flavors/v2.61/flavors-detail-resp.json',
        'flavors/v2.75/flavors-detail-resp.json',
    ),
)
def detail(request: Request) -> dict[str, Any]:
    found = _find(request)
    specs = request.may(SEE_EXTRA_SPECS)
    return {'flavors': [view(request, flavor, specs) for flavor in found], **_more(request, found, 'flavors', 'detail')}


@route(
    'GET',
    '/flavors/{flavor_id}',
    policy=ANYBODY,
    samples=(
        'flavors/flavor-get-resp.json',
        'flavors/v2.55/flavor-get-resp.json',
        'flavors/v2.61/flavor-get-resp.json',
        'flavors/v2.75/flavor-get-resp.json',
    ),
)
def show(request: Request, flavor_id: str) -> dict[str, Any]:
    return _shown(request, visible(request, flavor_id))


@route(
    'POST',
    '/flavors',
    policy=CREATE,
    body=FLAVOR,
    repeatable=True,
    samples=(
        'flavor-manage/flavor-create-post-resp.json',
        'flavor-manage/v2.55/flavor-create-post-resp.json',
        'flavor-manage/v2.61/flavor-create-post-resp.json',
        'flavor-manage/v2.75/flavor-create-post-resp.json',
    ),
)
def create(request: Request) -> Answer:
    asked = request.body
    factor = float(asked.get('rxtx_factor', 1.0))
    if factor <= 0:
        raise errors.Invalid('Invalid input for field/attribute rxtx_factor. It must be greater than 0.')
    flavor = Flavor(
        id=_id(asked.get('id')),
        name=asked['name'].strip(),
        vcpus=whole(asked['vcpus'], 'vcpus', 1),
        memory_mb=whole(asked['ram'], 'ram', 1),
        disk_gb=whole(asked['disk'], 'disk'),
        ephemeral_gb=whole(asked.get('OS-FLV-EXT-DATA:ephemeral', 0), 'OS-FLV-EXT-DATA:ephemeral'),
        swap_mb=whole(asked.get('swap', 0), 'swap'),
        rxtx_factor=factor,
        is_public=truth(asked.get('os-flavor-access:is_public'), default=True),
        description=asked.get('description'),
    )
    with request.databases.api.writing() as tx:
        answer = Answer(_shown(request, flavors.create(tx, flavor)))
        request.keep(tx, answer)
    request.services.flavors.drop()
    request.tell('flavor.create', payloads.flavor, flavor, projects=(), extra_specs=False)
    return answer


@route(
    'PUT',
    '/flavors/{flavor_id}',
    policy=UPDATE,
    body=CHANGE,
    since='2.55',
    samples=(
        'flavor-manage/v2.55/flavor-update-resp.json',
        'flavor-manage/v2.61/flavor-update-resp.json',
        'flavor-manage/v2.75/flavor-update-resp.json',
    ),
)
def update(request: Request, flavor_id: str) -> dict[str, Any]:
    with request.databases.api.writing() as tx:
        changed = flavors.set_description(tx, flavor_id, request.body['description'])
    request.services.flavors.drop()
    tell.flavor_changed(request, flavor_id)
    return _shown(request, changed)


@route('DELETE', '/flavors/{flavor_id}', policy=DELETE, status=202)
def delete(request: Request, flavor_id: str) -> None:
    with request.databases.api.writing() as tx:
        known = flavors.get(tx, flavor_id) if request.is_heard else None
        flavors.remove(tx, flavor_id)
    request.services.flavors.drop()
    if known:
        request.tell('flavor.delete', payloads.flavor, known, extra_specs=False)


def visible(request: Request, flavor_id: str) -> Flavor:
    """The flavor, if the caller may see it: public, given to their project, or they are an administrator."""
    with request.databases.api.reading() as tx:
        return flavors.get(tx, flavor_id, None if request.context.is_admin else request.context.project_id)


def summary(request: Request, flavor: Flavor) -> dict[str, Any]:
    """A flavor in the short list."""
    short: dict[str, Any] = {
        'id': flavor.id,
        'name': flavor.name,
        'links': request.links('flavors', flavor.id),
    }
    if request.version >= (2, 55):
        short['description'] = flavor.description
    return short


def view(request: Request, flavor: Flavor, with_extra_specs: bool) -> dict[str, Any]:
    """A flavor in full."""
    whole_view = summary(request, flavor) | {
        'ram': flavor.memory_mb,
        'disk': flavor.disk_gb,
        'swap': shown_swap(flavor, request.version),
        'vcpus': flavor.vcpus,
        'rxtx_factor': flavor.rxtx_factor,
        'os-flavor-access:is_public': flavor.is_public,
        'OS-FLV-EXT-DATA:ephemeral': flavor.ephemeral_gb,
        'OS-FLV-DISABLED:disabled': flavor.disabled,
    }
    if with_extra_specs and request.version >= (2, 61):
        whole_view['extra_specs'] = flavor.extra_specs
    return whole_view


def shown_swap(flavor: Flavor, version: Version) -> int | str:
    """Swap in MB; none is an empty string to old clients."""
    return flavor.swap_mb or (0 if version >= (2, 75) else '')


def _shown(request: Request, flavor: Flavor) -> dict[str, Any]:
    return {'flavor': view(request, flavor, request.may(SEE_EXTRA_SPECS))}


def _find(request: Request) -> list[Flavor]:
    limit, marker = request.page()
    params, is_admin = request.params, request.context.is_admin
    is_public = _is_public(params.get('is_public')) if is_admin else True
    query = FlavorQuery(
        is_public=is_public,
        # Private flavors that the project was given stand among the public ones.
        project_id=request.context.project_id if is_public else None,
        disabled=None if is_admin else False,
        min_disk_gb=_least(params.get('minDisk'), 'minDisk'),
        min_memory_mb=_least(params.get('minRam'), 'minRam'),
        sort=((_SORT_KEYS[params.get('sort_key', 'flavorid')], params.get('sort_dir', 'asc')),),
        limit=limit,
        marker=marker,
    )
    with request.databases.api.reading() as tx:
        return list(flavors.listing(tx, query))


def _more(request: Request, found: list[Flavor], *path: str) -> dict[str, Any]:
    links = request.next_link(found, found[-1].id if found else '', *path)
    return {'flavors_links': links} if links else {}


def _is_public(text: str | None) -> bool | None:
    """Which an administrator asks for; public ones if they do not say."""
    if text is None:
        return True
    wanted = text.strip().lower()
    if wanted == 'none':
        return None
    if wanted in ('t', 'true', 'on', 'y', 'yes', '1'):
        return True
    if wanted in ('f', 'false', 'off', 'n', 'no', '0'):
        return False
    raise errors.Invalid(f'Invalid is_public filter [{text[:64]}]')


def _least(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        raise errors.Invalid(f'Invalid {name} filter [{text[:64]}]')
    return int(text)


def _id(given: Any) -> str:
    return str(uuid.uuid4()) if given in (None, 'auto') else str(given)
