"""What users ask of the image service through us: their images, and the properties of those."""

import re
import urllib.parse
from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn

import orjson

from nova import errors
from nova.clients.neighbour import Neighbour
from nova.domain.image import CatalogImage, Image

# What Glance says of every image; all else are properties that somebody gave it.
FIELDS = frozenset((
    'id', 'name', 'status', 'visibility', 'protected', 'os_hidden', 'checksum', 'os_hash_algo', 'os_hash_value', 'owner',
    'created_at', 'updated_at', 'size', 'virtual_size', 'min_disk', 'min_ram', 'disk_format', 'container_format', 'tags',
    'self', 'file', 'schema', 'locations', 'direct_url', 'stores',
))  # fmt: skip
_PLAIN = {'Content-Type': 'application/json'}
PATCH = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}
# Glance says why in HTML, below a headline.
_MARKUP = re.compile(r'<(head|h1)>.*?</\1>|<[^>]+>', re.DOTALL)
_REFUSALS = (400, 403, 404, 409, 413)


class UserImages:
    """Glance with the user's own token. `changed` is told the id of an image that is no longer what it was."""

    def __init__(self, neighbour: Neighbour, changed: Callable[[str], None]):
        self._neighbour, self._changed = neighbour, changed

    def page(self, filters: Mapping[str, Any], limit: int, marker: str | None = None) -> list[CatalogImage]:
        """At most `limit` images that Glance's own filters let through, newest first."""
        found: list[CatalogImage] = []
        while len(found) < limit:
            query = dict(filters) | {'limit': limit - len(found)} | ({'marker': marker} if marker else {})
            answer = self._ask('GET', f'/v2/images?{urllib.parse.urlencode(query)}')
            found += [catalog_image(raw) for raw in answer['images']]
            if not answer.get('next') or not answer['images']:
                break
            # Glance gives no more at once than it likes.
            marker = found[-1].image.id
        return found

    def get(self, image_id: str) -> CatalogImage:
        return catalog_image(self._ask('GET', self._path(image_id)))

    def create(self, name: str, properties: Mapping[str, str], **facts: Any) -> str:
        """Record an image whose data comes later; its id. `facts` are what Glance itself says of images."""
        if own := sorted(FIELDS & properties.keys()):
            raise errors.Invalid(f'{own[0]} is not metadata of an image; choose another name for it.')
        body = {**properties, 'name': name, 'visibility': 'private', 'container_format': 'bare', **facts}
        return self._ask('POST', '/v2/images', data=orjson.dumps(body), headers=_PLAIN)['id']

    def delete(self, image_id: str) -> None:
        self._ask('DELETE', self._path(image_id))
        self._changed(image_id)

    def change_properties(
        self, image_id: str, wanted: Mapping[str, str], unwanted: Collection[str] = ()
    ) -> CatalogImage:
        """Set some properties and remove others; what Glance itself says of an image is not to be changed so."""
        if own := sorted(FIELDS & {*wanted, *unwanted}):
            raise errors.Invalid(f'{own[0]} is not metadata of an image; ask the image service to change it.')
        steps: list[dict[str, Any]] = [{'op': 'remove', 'path': f'/{_pointer(name)}'} for name in unwanted]
        steps += [{'op': 'add', 'path': f'/{_pointer(name)}', 'value': value} for name, value in wanted.items()]
        if not steps:
            return self.get(image_id)
        changed = self._ask('PATCH', self._path(image_id), data=orjson.dumps(steps), headers=PATCH)
        self._changed(image_id)
        return catalog_image(changed)

    @staticmethod
    def _path(image_id: str) -> str:
        return f'/v2/images/{urllib.parse.quote(image_id, safe="")}'

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        answer = self._neighbour.request(method, path, refused=_REFUSALS, **options)
        if answer.status_code in _REFUSALS:
            _refuse(method, answer)
        return answer.json() if answer.content else None


def image_of(found: Mapping[str, Any]) -> Image:
    """The image that Glance describes."""
    return Image(
        id=found['id'],
        name=found.get('name'),
        status=found['status'],
        disk_format=found.get('disk_format'),
        container_format=found.get('container_format'),
        size=found.get('size') or 0,
        virtual_size=found.get('virtual_size'),
        checksum=found.get('checksum'),
        hash_algorithm=found.get('os_hash_algo'),
        hash_value=found.get('os_hash_value'),
        min_disk_gb=found.get('min_disk') or 0,
        min_memory_mb=found.get('min_ram') or 0,
        owner=found.get('owner'),
        visibility=found.get('visibility'),
        properties={name: value for name, value in found.items() if name not in FIELDS},
    )


def catalog_image(found: Mapping[str, Any]) -> CatalogImage:
    return CatalogImage(image_of(found), found.get('created_at') or '', found.get('updated_at') or '')


def _pointer(name: str) -> str:
    """As a JSON pointer writes it."""
    return name.replace('~', '~0').replace('/', '~1')


def _refuse(method: str, answer: Any) -> NoReturn:
    text = ' '.join(_MARKUP.sub(' ', answer.text).split())[:300]
    match answer.status_code:
        case 404:
            raise errors.NotFound('Image not found.')
        case 403 if method == 'DELETE':
            raise errors.Forbidden('You are not allowed to delete the image.')
        case 403 if method == 'POST':
            raise errors.Forbidden(f'You are not allowed to make this image: {text}')
        case 403:
            raise errors.Forbidden('You are not allowed to change the image.')
        case 413:
            raise errors.OverQuota(f'The image service refuses this: {text}')
        case 409:
            raise errors.Conflict(f'The image service refuses this: {text}')
        case _:
            raise errors.Invalid(f'The image service refuses this: {text}')
