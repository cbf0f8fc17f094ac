"""A Glance in memory: images with data, visibility and members, behind the interface of a keystoneauth adapter."""

import hashlib
import json
import re
import threading
import urllib.parse
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
        # No upload comes to its end while it is set.
        self.cuts_uploads = False
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
            'created_at': '2026-01-02T03:04:05Z',
            'updated_at': '2026-01-02T03:04:05Z',
            **fields,
        }
        self.data[image_id] = data
        return image_id

    def acting_for(self, context: Any) -> 'UsersGlance':
        """An adapter that carries the token of the context's user."""
        return UsersGlance(self, context.project_id, context.is_admin)

    def get_endpoint(self) -> str:
        return 'http://glance.test/'

    def share(self, image_id: str, project_id: str, status: str = 'accepted') -> None:
        self.members[image_id, project_id] = status

    def count(self, pattern: str) -> int:
        """How many requests there were whose path matches."""
        return sum(bool(re.fullmatch(pattern, path)) for _method, path in self.requests)

    def request(
        self,
        path: str,
        method: str,
        raise_exc: bool = True,
        headers: Any = None,
        stream: bool = False,
        data: Any = None,
    ) -> Response:
        if self.away:
            raise keystoneauth1.exceptions.ConnectFailure('Unable to establish connection')
        with self._lock:
            self.requests.append((method, path))
        if method == 'POST':
            return Response(201, self.record(**json.loads(data)))
        if method in ('PUT', 'PATCH', 'DELETE'):
            return self._change(path.split('/')[3], method, data)
        if path.startswith('/v2/images?'):
            return self._find(dict(urllib.parse.parse_qsl(path.partition('?')[2])))
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

    def record(self, **fields: Any) -> dict[str, Any]:
        """An image that has no data yet, as Glance shows it."""
        image_id = self.add(**fields)
        nothing = {'size': None, 'checksum': None, 'os_hash_algo': None, 'os_hash_value': None}
        self.images[image_id] |= {'status': 'queued', 'disk_format': None, **nothing}
        self.images[image_id]['created_at'] = f'2026-01-02T03:04:{len(self.requests):06}Z'
        del self.data[image_id]
        return self.images[image_id]

    def _change(self, image_id: str, method: str, data: Any) -> Response:
        image = self.images.get(image_id)
        if image is None:
            return Response(404, {'message': f'No image found with ID {image_id}'})
        if method == 'DELETE':
            if image.get('protected'):
                return Response(403, {'message': 'The image is protected and cannot be deleted.'})
            if image['status'] == 'deleted':
                return _page_of_refusal(400, 'Image status transition from deleted to deleted is not allowed')
            del self.images[image_id]
            self.data.pop(image_id, None)
            return Response(204)
        if image['status'] != 'queued':
            return Response(409, {'message': 'The image has data already.'})
        if method == 'PATCH':
            for step in json.loads(data):
                image[step['path'].removeprefix('/')] = step['value']
            return Response(200, image)
        whole = b''.join(data)
        if self.cuts_uploads:
            image['status'] = 'queued'
            return Response(503)
        self.data[image_id] = whole
        image |= {
            'status': 'active',
            'size': len(whole),
            'checksum': hashlib.md5(whole, usedforsecurity=False).hexdigest(),
            'os_hash_algo': 'sha512',
            'os_hash_value': hashlib.sha512(whole).hexdigest(),
        }
        return Response(204)

    def _find(self, query: dict[str, str]) -> Response:
        """As an administrator sees images, newest first, two on a page."""
        if query == {'limit': '1'}:
            return Response(200, {'images': list(self.images.values())[:1]})
        wanted = {name: value for name, value in query.items() if name not in ('sort', 'marker')}
        before = wanted.pop('created_at', 'lt:9').removeprefix('lt:')
        found = [one for one in self.images.values() if all(str(one.get(key)) == wanted[key] for key in wanted)]
        found = [one for one in found if one['created_at'] < before]
        found.sort(key=lambda image: image['created_at'], reverse=True)
        ids = [image['id'] for image in found]
        start = ids.index(query['marker']) + 1 if 'marker' in query else 0
        page = found[start : start + 2]
        more = {}
        if start + 2 < len(found):
            more['next'] = f'/v2/images?{urllib.parse.urlencode({**query, "marker": page[-1]["id"]})}'
        return Response(200, {'images': page, **more})


class UsersGlance:
    """The same images for one user: what they see is theirs, public, or shared with them; they change their own."""

    PAGE = 25

    def __init__(self, glance: FakeGlance, project_id: str | None, is_admin: bool):
        self._glance, self._project_id, self._is_admin = glance, project_id, is_admin

    def get_endpoint(self) -> str:
        return self._glance.get_endpoint()

    def request(
        self, path: str, method: str, raise_exc: bool = True, headers: Any = None, data: bytes = b''
    ) -> Response:
        if self._glance.away:
            raise keystoneauth1.exceptions.ConnectFailure('Unable to establish connection')
        with self._glance._lock:
            self._glance.requests.append((method, path))
            place, _, query = path.partition('?')
            if method == 'POST':
                return Response(201, self._glance.record(owner=self._project_id, **json.loads(data)))
            if place == '/v2/images':
                return self._list(dict(urllib.parse.parse_qsl(query)))
            image = self._glance.images.get(urllib.parse.unquote(place.removeprefix('/v2/images/')))
            if image is None or not self._sees(image):
                return Response(404, {'message': 'No image found'})
            if method == 'GET':
                return Response(200, image)
            if not (self._is_admin or image['owner'] == self._project_id):
                return Response(403, {'message': 'You are not permitted to do this.'})
            if method == 'DELETE':
                if image.get('protected'):
                    return Response(403, {'message': 'The image is protected and cannot be deleted.'})
                del self._glance.images[image['id']]
                return Response(204)
            return self._patch(image, json.loads(data), headers)

    def _list(self, query: dict[str, str]) -> Response:
        found = [image for image in reversed(self._glance.images.values()) if self._sees(image)]
        marker, limit = query.pop('marker', None), min(int(query.pop('limit', self.PAGE)), self.PAGE)
        found = [image for image in found if all(_has(image, name, value) for name, value in query.items())]
        ids = [image['id'] for image in found]
        if marker is not None and marker not in ids:
            return _page_of_refusal(400, f'No image found with ID {marker}')
        start = ids.index(marker) + 1 if marker else 0
        page = found[start : start + limit]
        more = {'next': f'/v2/images?marker={page[-1]["id"]}'} if page and start + limit < len(found) else {}
        return Response(200, {'images': page, **more})

    def _patch(self, image: dict[str, Any], steps: list[dict[str, Any]], headers: Any) -> Response:
        if headers['Content-Type'] != 'application/openstack-images-v2.1-json-patch':
            return Response(415)
        changed = dict(image)
        for step in steps:
            name = step['path'].removeprefix('/').replace('~1', '/').replace('~0', '~')
            if step['op'] == 'remove':
                if name not in changed:
                    return _page_of_refusal(409, f'Property {name} does not exist.')
                del changed[name]
            else:
                changed[name] = step['value']
        self._glance.images[image['id']] = changed
        return Response(200, changed)

    def _sees(self, image: dict[str, Any]) -> bool:
        if self._is_admin or image['visibility'] == 'public' or image['owner'] == self._project_id:
            return True
        return self._glance.members.get((image['id'], self._project_id)) == 'accepted'


def _has(image: dict[str, Any], name: str, value: str) -> bool:
    kept = image.get(name)
    if name == 'updated_at':
        return kept >= value.removeprefix('gte:')
    if value.startswith('in:'):
        return kept in value.removeprefix('in:').split(',')
    return str(kept) == value


def _page_of_refusal(status: int, why: str) -> Response:
    page = f'<html><head><title>{status} No</title></head><body><h1>{status} No</h1>{why}<br /><br /></body></html>'
    return Response(status, content=page.encode())
