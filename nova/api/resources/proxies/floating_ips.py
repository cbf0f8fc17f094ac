"""Floating addresses and their pools, until 2.35: what the network service tells and does for the user who asks us."""

from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.routes import route
from nova.api.schema import Body
from nova.domain.floating_ip import FloatingIp

UNTIL = '2.35'
POOLS = policy.any_authenticated('os_compute_api:os-floating-ip-pools', 'Lists pools of floating addresses.')
INDEX = policy.project_reader('os_compute_api:os-floating-ips:list', 'Lists floating addresses.')
CREATE = policy.project_member('os_compute_api:os-floating-ips:create', 'Takes a floating address from a pool.')
SHOW = policy.project_reader('os_compute_api:os-floating-ips:show', 'Shows a floating address.')
DELETE = policy.project_member('os_compute_api:os-floating-ips:delete', 'Gives a floating address back.')

# Old clients send no body at all, or null, when they leave the choice of the pool to the cloud.
POOL = Body(
    None,
    inner={
        'type': ['object', 'null'],
        'properties': {'pool': {'type': ['string', 'null'], 'maxLength': 255}},
        'additionalProperties': True,
    },
)


@route(
    'GET',
    '/os-floating-ip-pools',
    policy=POOLS,
    until=UNTIL,
    samples=('os-floating-ip-pools/floatingippools-list-resp.json',),
)
def pools(request: Request) -> dict[str, Any]:
    return {'floating_ip_pools': [{'name': name} for name in _user(request).pools()]}


@route('GET', '/os-floating-ips', policy=INDEX, until=UNTIL, samples=('os-floating-ips/floating-ips-list-resp.json',))
def index(request: Request) -> dict[str, Any]:
    return {'floating_ips': [_view(floating) for floating in _user(request).floating_ips()]}


@route(
    'POST',
    '/os-floating-ips',
    policy=CREATE,
    body=POOL,
    until=UNTIL,
    samples=('os-floating-ips/floating-ips-create-resp.json',),
)
def create(request: Request) -> dict[str, Any]:
    pool = (request.body or {}).get('pool')
    try:
        return {'floating_ip': _view(_user(request).allocate(pool or request.settings.default_floating_pool))}
    except errors.OverQuota as failure:
        where = f' in pool {pool}.' if pool else ''
        raise errors.OverQuota(f'IP allocation over quota{where}') from failure
    except errors.Conflict as failure:
        raise errors.Invalid(str(failure)) from failure


@route(
    'GET',
    '/os-floating-ips/{floating_ip_id}',
    policy=SHOW,
    until=UNTIL,
    samples=('os-floating-ips/floating-ips-get-resp.json',),
)
def show(request: Request, floating_ip_id: str) -> dict[str, Any]:
    return {'floating_ip': _view(_find(request, floating_ip_id))}


@route('DELETE', '/os-floating-ips/{floating_ip_id}', policy=DELETE, until=UNTIL, status=202)
def delete(request: Request, floating_ip_id: str) -> None:
    """Even while it stands for a server's address."""
    _user(request).release(_find(request, floating_ip_id).id)


def _user(request: Request) -> Any:
    return request.services.network.of(request.context)


def _find(request: Request, ident: str) -> FloatingIp:
    try:
        return _user(request).floating_ip(ident)
    except errors.NotFound as failure:
        raise errors.NotFound(f'Floating IP not found for ID {ident[:64]}') from failure


def _view(floating: FloatingIp) -> dict[str, Any]:
    return {
        'id': floating.id,
        'ip': floating.address,
        'pool': floating.pool,
        'fixed_ip': floating.fixed_ip,
        'instance_id': floating.server_id,
    }
