"""The metadata of images, until 2.38: their properties in the image service."""

from typing import Any

from nova import errors
from nova.api import quota
from nova.api.request import Request
from nova.api.routes import route
from nova.api.schema import METADATA, METADATA_KEY, Body

UNTIL = '2.38'
ALL = Body('metadata', inner=METADATA)
ONE = Body(
    'meta',
    inner={
        'type': 'object',
        'patternProperties': {METADATA_KEY: {'type': 'string', 'maxLength': 255}},
        'additionalProperties': False,
        'minProperties': 1,
        'maxProperties': 1,
    },
)
_MISSING = 'Metadata item was not found'


@route('GET', '/images/{image_id}/metadata', policy=None, until=UNTIL, samples=('images/image-metadata-get-resp.json',))
def index(request: Request, image_id: str) -> dict[str, Any]:
    return {'metadata': _properties(request, image_id)}


@route(
    'POST',
    '/images/{image_id}/metadata',
    policy=None,
    body=ALL,
    until=UNTIL,
    samples=('images/image-metadata-post-resp.json',),
)
def create(request: Request, image_id: str) -> dict[str, Any]:
    quota.refuse_many_metadata(request, _properties(request, image_id) | request.body)
    return {'metadata': _change(request, image_id, request.body)}


@route(
    'PUT',
    '/images/{image_id}/metadata',
    policy=None,
    body=ALL,
    until=UNTIL,
    samples=('images/image-metadata-put-resp.json',),
)
def update_all(request: Request, image_id: str) -> dict[str, Any]:
    quota.refuse_many_metadata(request, request.body)
    unwanted = _properties(request, image_id).keys() - request.body.keys()
    return {'metadata': _change(request, image_id, request.body, unwanted)}


@route(
    'GET', '/images/{image_id}/metadata/{key}', policy=None, until=UNTIL, samples=('images/image-meta-key-get.json',)
)
def show(request: Request, image_id: str, key: str) -> dict[str, Any]:
    properties = _properties(request, image_id)
    if key not in properties:
        raise errors.NotFound(_MISSING)
    return {'meta': {key: properties[key]}}


@route(
    'PUT',
    '/images/{image_id}/metadata/{key}',
    policy=None,
    body=ONE,
    until=UNTIL,
    samples=('images/image-meta-key-put-resp.json',),
)
def update(request: Request, image_id: str, key: str) -> dict[str, Any]:
    if key not in request.body:
        raise errors.Invalid('Request body and URI mismatch')
    quota.refuse_many_metadata(request, _properties(request, image_id) | request.body)
    _change(request, image_id, request.body)
    return {'meta': request.body}


@route('DELETE', '/images/{image_id}/metadata/{key}', policy=None, until=UNTIL, status=204)
def delete(request: Request, image_id: str, key: str) -> None:
    if key not in _properties(request, image_id):
        raise errors.NotFound(_MISSING)
    _change(request, image_id, {}, [key])


def _properties(request: Request, image_id: str) -> dict[str, Any]:
    return request.services.images.of(request.context).get(image_id).image.properties


def _change(request: Request, image_id: str, wanted: dict[str, str], unwanted: Any = ()) -> dict[str, Any]:
    images = request.services.images.of(request.context)
    return images.change_properties(image_id, wanted, sorted(unwanted)).image.properties
