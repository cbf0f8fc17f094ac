"""Find the volume service, and ask it for what users want of their volumes and snapshots."""

import threading
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

import keystoneauth1.adapter
import keystoneauth1.exceptions
from keystoneauth1 import service_token, session, token_endpoint

from nova import errors
from nova.clients import identity
from nova.clients.neighbour import Neighbour
from nova.context import Context
from nova.domain.volume import Volume, VolumeAttachment, VolumeSnapshot

NAME = 'Cinder'
GROUP = 'cinder'

# What a reply's status means for whoever asked. Others are the service's own trouble.
REFUSALS = {
    400: errors.Invalid,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.OverQuota,
}


class VolumeClient:
    """Speaks Cinder's API, version 3. `act_for` makes an adapter that acts for a context's user."""

    def __init__(self, act_for: Callable[[Context], Any]):
        self._act_for = act_for
        self._calls: dict[tuple[str, str], int] = {}

    def of(self, context: Context) -> 'UserVolumes':
        """The volume service as the context's user sees it."""
        adapter = self._act_for(context)
        if adapter is None:
            raise errors.ServiceDown('The volume service can be asked only with the token of a user.')
        neighbour = Neighbour(NAME, adapter)
        neighbour.calls = self._calls
        return UserVolumes(neighbour)


class UserVolumes:
    """The volumes and snapshots of one user's project. Paths lie under the project's endpoint."""

    def __init__(self, neighbour: Neighbour):
        self._neighbour = neighbour

    def volumes(self, limit: int, offset: int = 0) -> list[Volume]:
        found = self._ask('GET', f'/volumes/detail?{_page(limit, offset)}') if limit else {'volumes': []}
        return [_volume(raw) for raw in found['volumes']]

    def volume(self, volume_id: str) -> Volume:
        return _volume(self._one('volume', volume_id)['volume'])

    def create_volume(self, size_gb: int, **fields: Any) -> Volume:
        """`fields` are Cinder's own: name, description, snapshot_id, volume_type, metadata, availability_zone."""
        return _volume(self._ask('POST', '/volumes', {'volume': {'size': size_gb, **fields}})['volume'])

    def delete_volume(self, volume_id: str) -> None:
        self._one('volume', volume_id, 'DELETE')

    def snapshots(self, limit: int, offset: int = 0) -> list[VolumeSnapshot]:
        found = self._ask('GET', f'/snapshots/detail?{_page(limit, offset)}') if limit else {'snapshots': []}
        return [_snapshot(raw) for raw in found['snapshots']]

    def snapshot(self, snapshot_id: str) -> VolumeSnapshot:
        return _snapshot(self._one('snapshot', snapshot_id)['snapshot'])

    def create_snapshot(
        self, volume_id: str, name: str | None, description: str | None, force: bool = False
    ) -> VolumeSnapshot:
        """With `force` even of a volume that is in use."""
        asked = {'volume_id': volume_id, 'name': name, 'description': description, 'force': force}
        return _snapshot(self._ask('POST', '/snapshots', {'snapshot': asked})['snapshot'])

    def delete_snapshot(self, snapshot_id: str) -> None:
        self._one('snapshot', snapshot_id, 'DELETE')

    def _one(self, kind: str, ident: str, method: str = 'GET') -> Any:
        try:
            return self._ask(method, f'/{kind}s/{urllib.parse.quote(ident, safe="")}')
        except errors.NotFound as failure:
            raise errors.NotFound(f'{kind.capitalize()} {ident[:64]} could not be found.') from failure

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        extra = {} if body is None else {'json': body}
        reply = self._neighbour.request(method, path, refused=REFUSALS, **extra)
        if reply.status_code in REFUSALS:
            raise REFUSALS[reply.status_code](_complaint(reply))
        return reply.json() if reply.content else None


class Cinder:
    """Makes adapters that act for users. Nothing is looked for before the first call: many clouds have no volumes."""

    def __init__(self, conf: Any):
        self._conf, self._lock = conf, threading.Lock()
        self._sessions: tuple[session.Session, session.Session] | None = None

    def __call__(self, context: Context) -> keystoneauth1.adapter.Adapter | None:
        """An adapter with the user's token, and a service's that vouches for it; None without a token."""
        if not context.token:
            return None
        own, vouching = self._authenticated()
        endpoint = self._endpoint(own, context.project_id or '')
        auth = service_token.ServiceTokenAuthWrapper(
            user_auth=token_endpoint.Token(endpoint, context.token), service_auth=vouching.auth
        )
        return keystoneauth1.adapter.Adapter(
            session=own,
            auth=auth,
            endpoint_override=endpoint,
            global_request_id=context.request_id,
            connect_retries=self._conf[GROUP].http_retries,
        )

    def _authenticated(self) -> tuple[session.Session, session.Session]:
        with self._lock:
            if self._sessions is None:
                own = identity.session(self._conf, GROUP if self._conf[GROUP].auth_type else 'keystone_authtoken')
                sends = self._conf[identity.SERVICE_USER].send_service_user_token
                vouching = identity.session(self._conf, identity.SERVICE_USER) if sends else own
                self._sessions = own, vouching
            return self._sessions

    def _endpoint(self, own: session.Session, project_id: str) -> str:
        options = self._conf[GROUP]
        if options.endpoint_template:
            return options.endpoint_template % {'project_id': project_id, 'tenant_id': project_id}
        kind, name, interface = options.catalog_info.split(':')
        try:
            endpoint = own.get_endpoint(
                service_type=kind,
                service_name=name or None,
                interface=interface.removesuffix('URL'),
                region_name=options.os_region_name,
            )
            own_project = own.get_project_id()
        except keystoneauth1.exceptions.EndpointNotFound:
            endpoint = own_project = None
        except keystoneauth1.exceptions.ClientException as failure:
            raise errors.ServiceDown(f'The volume service cannot be found: {failure}') from failure
        if not endpoint:
            raise errors.ServiceMissing('This cloud has no volume service: the catalog does not name one.')
        # The catalog that we see has our own project in the address, if it has any.
        root, _, last = endpoint.rstrip('/').rpartition('/')
        return f'{root}/{project_id}' if own_project and last == own_project else endpoint.rstrip('/')


def _page(limit: int, offset: int) -> str:
    return urllib.parse.urlencode({'limit': limit} | ({'offset': offset} if offset else {}))


def _volume(raw: Mapping[str, Any]) -> Volume:
    return Volume(
        id=raw['id'],
        name=raw.get('name'),
        description=raw.get('description'),
        status=raw['status'],
        size_gb=raw['size'],
        type=raw.get('volume_type'),
        availability_zone=raw.get('availability_zone'),
        snapshot_id=raw.get('snapshot_id'),
        created_at=raw.get('created_at'),
        attachments=tuple(
            VolumeAttachment(held['server_id'], held.get('device'), held.get('attachment_id'))
            for held in raw.get('attachments', ())
        ),
        metadata=dict(raw.get('metadata') or {}),
    )


def _snapshot(raw: Mapping[str, Any]) -> VolumeSnapshot:
    return VolumeSnapshot(
        id=raw['id'],
        volume_id=raw['volume_id'],
        name=raw.get('name'),
        description=raw.get('description'),
        status=raw['status'],
        size_gb=raw['size'],
        created_at=raw.get('created_at'),
    )


def _complaint(reply: Any) -> str:
    try:
        (particulars,) = reply.json().values()
        return particulars['message']
    except (ValueError, KeyError, TypeError, AttributeError):
        return reply.text[:300]
