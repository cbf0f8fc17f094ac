"""Find images in the image service, and fetch their data."""

import datetime
import logging
import os
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
import requests

from nova import errors
from nova.clients.neighbour import Neighbour
from nova.clients.user_images import PATCH, UserImages, image_of
from nova.context import Context
from nova.domain import snapshot
from nova.domain.image import Image

LOG = logging.getLogger(__name__)

CACHE_AGE = 30.0
CACHE_SIZE = 1000
CHUNK = 1 << 20

_PUBLIC = ('public', 'community')
_PRESENT = ('active', 'deactivated')
# Glance may go on showing an image that is deleted, for instance when it was killed while it deleted it.
_GONE = ('deleted', 'pending_delete')


class ImageClient:
    """Speaks to Glance behind a keystoneauth adapter that carries the cloud's own credentials.

    `for_user`, if given, makes an adapter that acts for a context's user.

    What a user may see is decided here, from the image's owner, visibility and members, so that one answer of Glance
    serves all users for `cache_age` seconds.
    """

    def __init__(
        self,
        adapter: Any,
        cache_age: float = CACHE_AGE,
        attempts: int = 3,
        clock: Callable[[], float] = time.monotonic,
        for_user: Callable[[Context], Any] | None = None,
    ):
        self._neighbour, self._for_user = Neighbour('Glance', adapter), for_user
        self._attempts, self._clock = max(1, attempts), clock
        self._cache_age = cache_age
        self._images: dict[str, tuple[float, Image | None]] = {}
        self._members: dict[tuple[str, str], tuple[float, bool]] = {}
        self._lock = threading.Lock()

    @property
    def neighbour(self) -> Neighbour:
        return self._neighbour

    def check(self) -> None:
        """Raise ServiceDown with a sentence unless Glance answers."""
        self._get('/v2/images?limit=1')

    @property
    def address(self) -> str:
        """Where Glance is, for links to it."""
        return self._neighbour.address()

    def of(self, context: Context) -> UserImages:
        """Glance as the context's user sees it; what they ask through us is up to it."""
        adapter = self._for_user(context) if self._for_user else None
        if adapter is None:
            raise errors.ServiceDown('The image service can be asked only with the token of a user.')
        neighbour = Neighbour('Glance', adapter)
        neighbour.calls = self._neighbour.calls
        return UserImages(neighbour, self.forget)

    def get(self, context: Context, image_id: str) -> Image:
        """The image as its user may see it; NotFound if there is none, or it is another project's."""
        image = self._remembered(self._images, image_id, lambda: self._fetch(image_id))
        if image is None or not self._visible(context, image):
            raise errors.NotFound(f'Image {image_id} could not be found.')
        return image

    def download(self, image_id: str) -> Iterator[bytes]:
        """The image's data, piece by piece. Glance may go away in the middle: then ServiceDown comes from the iterator."""
        response = self._get(f'/v2/images/{image_id}/file', refused=(204, 403, 404, 410), stream=True)
        if response.status_code in (403, 404, 410, 204):
            response.close()
            raise errors.NotFound(f'Image {image_id} has no data that we may read.')
        return _chunks(response, image_id)

    # Images that are made of servers. The record is the user's; the data comes from hosts, which carry no user's token.

    def create(self, context: Context, name: str, properties: Mapping[str, str], **facts: Any) -> str:
        """Record an image whose data comes later, as the context's user; its id. `facts`: min_disk, min_ram..."""
        if self._for_user and self._for_user(context):
            return self.of(context).create(name, properties, **facts)
        return UserImages(self._neighbour, self.forget).create(name, properties, owner=context.project_id, **facts)

    def find(self, image_id: str) -> Image | None:
        """The image as Glance has it just now, whosever it is."""
        self.forget(image_id)
        return self._fetch(image_id)

    def describe(self, image_id: str, **facts: Any) -> None:
        """Say what the data of an image is that has none yet. Errors: NotFound if it was deleted meanwhile."""
        image = self.find(image_id)
        if image is None:
            raise errors.NotFound(f'Image {image_id} was deleted before it was complete.')
        if image.status == 'queued':
            steps = [{'op': 'replace', 'path': f'/{name}', 'value': value} for name, value in facts.items()]
            self._neighbour.request('PATCH', f'/v2/images/{image_id}', data=orjson.dumps(steps), headers=PATCH)

    def upload(self, image_id: str, path: str) -> None:
        """Give an image its data. One that has all of it is fine. Errors: NotFound if it was deleted meanwhile."""
        if self.is_complete(image_id):
            return
        answer = self._neighbour.request(
            'PUT',
            f'/v2/images/{image_id}/file',
            refused=(403, 404, 409, 410, 413),
            data=_Content(path),
            headers={'Content-Type': 'application/octet-stream'},
        )
        if answer.status_code in (404, 410):
            raise errors.NotFound(f'Image {image_id} was deleted before it was complete.')
        if answer.status_code in (403, 413):
            raise errors.OverQuota(
                f'The image service does not take the data of image {image_id}; see your quota there.'
            )
        image = self.find(image_id)
        if answer.status_code == 409 or image is None or image.size != os.path.getsize(path):
            raise errors.HostFailed(f'Image {image_id} did not get its data: the image service refused a part of it.')

    def is_complete(self, image_id: str) -> bool:
        """Whether the image has its data. Errors: NotFound if it was deleted."""
        image = self.find(image_id)
        if image is None:
            raise errors.NotFound(f'Image {image_id} was deleted before it was complete.')
        return image.status in _PRESENT

    def remove(self, image_id: str) -> bool:
        """Delete an image, whosever it is; one that is not there is fine. False if Glance keeps it: it is protected."""
        answer = self._neighbour.request('DELETE', f'/v2/images/{image_id}', refused=(400, 403, 404, 409, 410))
        self.forget(image_id)
        if answer.status_code == 400 and self.find(image_id) is not None:
            raise errors.ServiceDown(f'Glance does not delete image {image_id} now.')
        return answer.status_code not in (403, 409)

    def backups(self, project_id: str, server_id: str, backup_type: str) -> list[str]:
        """The ids of a server's backups of one type, newest first."""
        wanted = {
            'image_type': 'backup',
            'backup_type': backup_type,
            'instance_uuid': server_id,
            'owner': project_id,
            'sort': 'created_at:desc',
        }
        return [image['id'] for image in self._listed(wanted)]

    def unfilled(self, before: datetime.datetime) -> list[tuple[str, str]]:
        """Id and server of each image of a server that was recorded before this moment, and has no data yet."""
        wanted = {'status': 'queued', 'created_at': f'lt:{before:%Y-%m-%dT%H:%M:%SZ}'}
        return [
            (image['id'], image['instance_uuid'])
            for image in self._listed(wanted)
            if image.get('instance_uuid') and image.get('image_type') in (snapshot.SNAPSHOT, snapshot.BACKUP)
        ]

    def _listed(self, wanted: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        path: str | None = f'/v2/images?{urllib.parse.urlencode(wanted)}'
        while path:
            answer = self._get(path).json()
            yield from answer['images']
            path = answer.get('next')

    def forget(self, image_id: str) -> None:
        """Ask Glance again at the next `get`."""
        with self._lock:
            self._images.pop(image_id, None)

    def _visible(self, context: Context, image: Image) -> bool:
        if context.is_admin or image.visibility in _PUBLIC or image.owner == context.project_id:
            return True
        if image.visibility != 'shared' or not context.project_id:
            return False
        key = (image.id, context.project_id)
        return self._remembered(self._members, key, lambda: self._is_member(*key))

    def _is_member(self, image_id: str, project_id: str) -> bool:
        response = self._get(f'/v2/images/{image_id}/members/{project_id}', refused=(403, 404))
        return response.status_code == 200 and response.json().get('status') != 'rejected'

    def _fetch(self, image_id: str) -> Image | None:
        response = self._get(f'/v2/images/{image_id}', refused=(400, 404))
        image = None if response.status_code in (400, 404) else image_of(response.json())
        return None if image is None or image.status in _GONE else image

    def _remembered(self, cache: dict, key: Any, fetch: Callable[[], Any]) -> Any:
        with self._lock:
            since, value = cache.get(key, (None, None))
            if since is not None and self._clock() - since < self._cache_age:
                return value
        value = fetch()
        # An image that is not there yet, or not ready, may be so at the user's next try.
        if value is True or (isinstance(value, Image) and value.status in _PRESENT):
            with self._lock:
                while len(cache) >= CACHE_SIZE:
                    del cache[next(iter(cache))]
                cache.pop(key, None)
                cache[key] = (self._clock(), value)
        return value

    def _get(self, path: str, refused: tuple[int, ...] = (), **options: Any) -> Any:
        for _attempt in range(self._attempts - 1):
            try:
                return self._neighbour.request('GET', path, refused, **options)
            except errors.ServiceDown as failure:
                LOG.debug('Trying again: %s', failure)
        return self._neighbour.request('GET', path, refused, **options)


class _Content:
    """What a file holds, from its beginning each time that it is asked for: a request may have to be sent again."""

    def __init__(self, path: str):
        self._path = path

    def __len__(self) -> int:
        return os.path.getsize(self._path)

    def __iter__(self) -> Iterator[bytes]:
        with open(self._path, 'rb') as file:
            while piece := file.read(CHUNK):
                yield piece


def _chunks(response: Any, image_id: str) -> Iterator[bytes]:
    try:
        yield from response.iter_content(CHUNK)
    except (requests.RequestException, OSError) as failure:
        raise errors.ServiceDown(f'Glance stopped sending image {image_id}: {failure}') from failure
    finally:
        response.close()
