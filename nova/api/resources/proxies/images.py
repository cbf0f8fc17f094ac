"""Images, until 2.35: what the image service tells and does for the user who asks us."""

import datetime
import functools
from typing import Any

from nova import errors
from nova.api.request import Request
from nova.api.resources.proxies import image_views
from nova.api.routes import route
from nova.api.schema import QUERY_TEXT, Field, Query, parse_time

UNTIL = '2.35'
# As the names of filters came to be: the image service's name for each.
_PLAIN = {'name': 'name', 'minRam': 'min_ram', 'minDisk': 'min_disk', 'type': 'image_type'}
_NAMES = ('limit', 'marker', 'status', 'server', 'changes-since', *_PLAIN)
_PROPERTY = 'property-'
LIST = Query(*(Field(name, QUERY_TEXT, many=True) for name in _NAMES), patterns=[f'^{_PROPERTY}'])


@route('GET', '/images', policy=None, query=LIST, until=UNTIL, samples=('images/images-list-get-resp.json',))
def index(request: Request) -> dict[str, Any]:
    return _page(request, image_views.brief, 'images')


@route('GET', '/images/detail', policy=None, query=LIST, until=UNTIL, samples=('images/images-details-get-resp.json',))
def detail(request: Request) -> dict[str, Any]:
    return _page(request, image_views.whole, 'images', 'detail')


@route('GET', '/images/{image_id}', policy=None, until=UNTIL, samples=('images/image-get-resp.json',))
def show(request: Request, image_id: str) -> dict[str, Any]:
    images = request.services.images
    return {'image': image_views.whole(request, images.of(request.context).get(image_id), images.address)}


@route('DELETE', '/images/{image_id}', policy=None, until=UNTIL, status=204)
def delete(request: Request, image_id: str) -> None:
    request.services.images.of(request.context).delete(image_id)


def _page(request: Request, view: Any, *path: str) -> dict[str, Any]:
    limit, marker = request.page()
    images = request.services.images
    found = images.of(request.context).page(_filters(request), limit, marker)
    show = functools.partial(view, request, glance=images.address)
    answer: dict[str, Any] = {'images': [show(entry) for entry in found]}
    links = request.next_link(found, found[-1].image.id if found else '', *path)
    return answer | {'images_links': links} if links else answer


def _filters(request: Request) -> dict[str, str]:
    """The request's filters in the image service's words."""
    asked = request.params
    wanted = {theirs: asked[ours] for ours, theirs in _PLAIN.items() if ours in asked}
    wanted |= {name.removeprefix(_PROPERTY): asked[name] for name in asked if name.startswith(_PROPERTY)}
    if 'status' in asked:
        statuses = image_views.statuses(asked['status'])
        wanted['status'] = statuses[0] if len(statuses) == 1 else f'in:{",".join(statuses)}'
    if 'server' in asked:
        # A link to the server will do as well as its id.
        wanted['instance_uuid'] = asked['server'].rstrip('/').rpartition('/')[2]
    if 'changes-since' in asked:
        wanted['updated_at'] = f'gte:{_moment(asked["changes-since"])}'
    return wanted


def _moment(text: str) -> str:
    moment = parse_time(text)
    if moment is None:
        raise errors.Invalid(f'Invalid changes-since value: {text[:64]}. Write a time as ISO 8601 does.')
    return moment.astimezone(datetime.UTC).strftime('%Y-%m-%dT%H:%M:%SZ')
