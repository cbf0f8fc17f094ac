"""A Cinder in memory: volumes and snapshots by project, behind the interface of a keystoneauth adapter."""

import re
import threading
import urllib.parse
import uuid
from typing import Any

import keystoneauth1.exceptions

from nova import errors
from tests.fakes.http import Response

_NAMES = {400: 'badRequest', 403: 'forbidden', 404: 'itemNotFound', 413: 'overLimit'}
CREATED = '2026-01-02T03:04:05.678901'


class FakeCinder:
    """`away` makes it unreachable; with `missing` the catalog has none. A project may have `quota` volumes."""

    def __init__(self) -> None:
        self.volumes: dict[str, dict[str, Any]] = {}
        self.snapshots: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self.away = self.missing = False
        self.quota = 10
        self.zones = {'nova'}
        self.types = {'lvm'}
        self._lock = threading.Lock()

    def acting_for(self, context: Any) -> 'UsersCinder':
        """An adapter that carries the token of the context's user."""
        if self.missing:
            raise errors.ServiceMissing('This cloud has no volume service: the catalog does not name one.')
        return UsersCinder(self, context.project_id, context.is_admin)

    def add(self, project_id: str, size: int = 1, **fields: Any) -> str:
        """Make a volume; its id."""
        volume_id = fields.pop('id', None) or str(uuid.uuid4())
        self.volumes[volume_id] = {
            'id': volume_id,
            'name': None,
            'description': None,
            'status': 'available',
            'size': size,
            'volume_type': 'lvm',
            'availability_zone': 'nova',
            'snapshot_id': None,
            'created_at': CREATED,
            'attachments': [],
            'metadata': {},
            'os-vol-tenant-attr:tenant_id': project_id,
            **fields,
        }
        return volume_id

    def attach(self, volume_id: str, server_id: str, device: str = '/dev/vdb') -> None:
        """As if the server had it."""
        volume = self.volumes[volume_id]
        volume['status'] = 'in-use'
        volume['attachments'].append(
            {
                'id': volume_id,
                'volume_id': volume_id,
                'server_id': server_id,
                'device': device,
                'attachment_id': str(uuid.uuid4()),
            }
        )


class UsersCinder:
    """The service for one user, who sees their project's, or as an administrator everything."""

    def __init__(self, cinder: FakeCinder, project_id: str | None, is_admin: bool):
        self._cinder, self._project_id, self._is_admin = cinder, project_id, is_admin

    def request(self, path: str, method: str, raise_exc: bool = True, json: Any = None) -> Response:
        if self._cinder.away:
            raise keystoneauth1.exceptions.ConnectFailure('Unable to establish connection')
        with self._cinder._lock:
            self._cinder.requests.append((method, path))
            place, _, query = path.partition('?')
            kind, ident = re.fullmatch('/(volumes|snapshots)(?:/([^/]+))?', place).groups()
            one = kind.removesuffix('s')
            kept = self._cinder.volumes if kind == 'volumes' else self._cinder.snapshots
            if method == 'POST':
                return (self._create_volume if kind == 'volumes' else self._create_snapshot)(json[one])
            if ident == 'detail':
                return self._list(kind, kept, dict(urllib.parse.parse_qsl(query)))
            found = kept.get(urllib.parse.unquote(ident))
            if found is None or not self._sees(found):
                return _fault(404, f'{one.capitalize()} {ident} could not be found.')
            return self._delete(one, kept, found) if method == 'DELETE' else Response(200, {one: found})

    def _list(self, kind: str, kept: dict[str, Any], query: dict[str, str]) -> Response:
        own = [entry for entry in reversed(kept.values()) if _project(entry) == self._project_id]
        start = int(query.get('offset', 0))
        return Response(200, {kind: own[start : start + int(query.get('limit', 1000))]})

    def _create_volume(self, asked: dict[str, Any]) -> Response:
        own = [volume for volume in self._cinder.volumes.values() if _project(volume) == self._project_id]
        source = asked.get('snapshot_id')
        if asked['size'] < 1:
            return _fault(400, 'Invalid volume size.')
        if source and not self._sees(self._cinder.snapshots.get(source)):
            return _fault(404, f'Snapshot {source} could not be found.')
        if asked.get('availability_zone', 'nova') not in (None, *self._cinder.zones):
            return _fault(400, f"Availability zone '{asked['availability_zone']}' is invalid.")
        if asked.get('volume_type', 'lvm') not in (None, *self._cinder.types):
            return _fault(404, f'Volume type with name {asked["volume_type"]} could not be found.')
        if len(own) >= self._cinder.quota:
            return _fault(413, 'VolumeLimitExceeded: Maximum number of volumes allowed exceeded.')
        fields = {name: value for name, value in asked.items() if value is not None}
        volume_id = self._cinder.add(self._project_id, status='creating', **fields)
        return Response(202, {'volume': self._cinder.volumes[volume_id]})

    def _create_snapshot(self, asked: dict[str, Any]) -> Response:
        volume = self._cinder.volumes.get(asked['volume_id'])
        if volume is None or not self._sees(volume):
            return _fault(404, f'Volume {asked["volume_id"]} could not be found.')
        if volume['status'] != 'available' and not asked['force']:
            return _fault(400, f'Invalid volume: Volume {volume["id"]} status must be available.')
        made = {
            'id': str(uuid.uuid4()),
            'volume_id': volume['id'],
            'name': asked['name'],
            'description': asked['description'],
            'status': 'creating',
            'size': volume['size'],
            'created_at': CREATED,
            'os-extended-snapshot-attributes:project_id': self._project_id,
        }
        self._cinder.snapshots[made['id']] = made
        return Response(202, {'snapshot': made})

    def _delete(self, one: str, kept: dict[str, Any], found: dict[str, Any]) -> Response:
        if found['status'] == 'in-use':
            return _fault(400, 'Invalid volume: Volume status must be available or error.')
        if any(snapshot['volume_id'] == found['id'] for snapshot in self._cinder.snapshots.values()):
            return _fault(400, 'Invalid volume: Volume still has dependent snapshots.')
        del kept[found['id']]
        return Response(202)

    def _sees(self, entry: dict[str, Any] | None) -> bool:
        return entry is not None and (self._is_admin or _project(entry) == self._project_id)


def _project(entry: dict[str, Any]) -> str:
    return entry.get('os-vol-tenant-attr:tenant_id') or entry.get('os-extended-snapshot-attributes:project_id')


def _fault(status: int, message: str) -> Response:
    return Response(status, {_NAMES[status]: {'code': status, 'message': message}})
