"""A Glance in memory: images with data, visibility and members, behind the interface of a keystoneauth adapter."""

import hashlib
import re
import threading
import uuid
from typing import Any

import keystoneauth1.exceptions

from tests.fakes.http import Response


class FakeGlance:
    """`away` makes it unreachable; `cut_after` ends every download after so many bytes."""

    def __init__(self) -> None:
        self.images: dict[str, dict[str, Any]] = {}
        self.data: dict[str, bytes] = {}
        self.members: dict[tuple[str, str], str] = {}
        self.requests: list[tuple[str, str]] = []
        self.away = False
        self.cut_after: int | None = None
        self._lock = threading.Lock()

    def add(self, data: bytes = b'', disk_format: str = 'raw', visibility: str = 'public', **fields: Any) -> str:
        """Upload an image; its id."""
        image_id = fields.pop('id', None) or str(uuid.uuid4())
        self.images[image_id] = {
            'id': image_id,
            'name': 'image',
            'status': 'active',
            'visibility': visibility,
            'owner': 'owner',
            'disk_format': disk_format,
            'container_format': 'bare',
            'size': len(data),
            'checksum': hashlib.md5(data, usedforsecurity=False).hexdigest(),
            'os_hash_algo': 'sha512',
            'os_hash_value': hashlib.sha512(data).hexdigest(),
            'min_disk': 0,
            'min_ram': 0,
            'virtual_size': None,
            'tags': [],
            'self': f'/v2/images/{image_id}',
            **fields,
        }
        self.data[image_id] = data
        return image_id

    def share(self, image_id: str, project_id: str, status: str = 'accepted') -> None:
        self.members[image_id, project_id] = status

    def count(self, pattern: str) -> int:
        """How many requests there were whose path matches."""
        return sum(bool(re.fullmatch(pattern, path)) for _method, path in self.requests)

    def request(
        self, path: str, method: str, raise_exc: bool = True, headers: Any = None, stream: bool = False
    ) -> Response:
        if self.away:
            raise keystoneauth1.exceptions.ConnectFailure('Unable to establish connection')
        with self._lock:
            self.requests.append((method, path))
        if path.startswith('/v2/images?'):
            return Response(200, {'images': list(self.images.values())[:1]})
        match = re.fullmatch('/v2/images/([^/]+)(?:/(file|members)(?:/([^/]+))?)?', path)
        image_id, part, project_id = match.groups()
        if image_id not in self.images:
            return Response(404, {'message': f'No image found with ID {image_id}'})
        if part == 'file':
            return Response(200, content=self.data[image_id][: self.cut_after])
        if part == 'members':
            status = self.members.get((image_id, project_id))
            return Response(200, {'status': status}) if status else Response(404, {'message': 'Not found'})
        return Response(200, self.images[image_id])
