"""Find images in the image service, and fetch their data."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import requests

from nova import errors
from nova.clients.neighbour import Neighbour
from nova.clients.user_images import UserImages, image_of
from nova.context import Context
from nova.domain.image import Image

LOG = logging.getLogger(__name__)

CACHE_AGE = 30.0
CACHE_SIZE = 1000
CHUNK = 1 << 20

_PUBLIC = ('public', 'community')
_PRESENT = ('active', 'deactivated')


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
        return None if response.status_code in (400, 404) else image_of(response.json())

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


def _chunks(response: Any, image_id: str) -> Iterator[bytes]:
    try:
        yield from response.iter_content(CHUNK)
    except (requests.RequestException, OSError) as failure:
        raise errors.ServiceDown(f'Glance stopped sending image {image_id}: {failure}') from failure
    finally:
        response.close()
