"""Console tokens: where the console is that a token opens, for proxies of other makers."""

import hashlib
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.hosts import gather, refuse_nothing
from nova.api.request import Request
from nova.api.routes import route
from nova.db.stores import console_tokens
from nova.domain.guest import ConsoleGrant

SHOW = policy.admin('os_compute_api:os-console-auth-tokens', 'Show which console a token opens.')

# No token that we make is longer, so nothing longer need be looked up.
_LONGEST = 256
_RDP = 'rdp-html5'
_MISSING = 'Token not found'


@route('GET', '/os-console-auth-tokens/{token}', policy=SHOW, until='2.30')
def show_rdp(request: Request, token: str) -> dict[str, Any]:
    grant = _find(request, token)
    if grant.address.kind != _RDP:
        raise errors.Invalid('The requested console type details are not accessible')
    return view(grant)


@route(
    'GET',
    '/os-console-auth-tokens/{token}',
    policy=SHOW,
    since='2.31',
    samples=('os-console-auth-tokens/v2.31/get-console-connect-info-get-resp.json',),
)
def show(request: Request, token: str) -> dict[str, Any]:
    return view(_find(request, token))


def view(grant: ConsoleGrant) -> dict[str, Any]:
    address = grant.address
    return {
        'console': {
            'instance_uuid': grant.server_id,
            'host': address.host,
            'port': address.port,
            'internal_access_path': address.path,
        }
    }


def _find(request: Request, token: str) -> ConsoleGrant:
    if len(token) > _LONGEST:
        raise errors.NotFound(_MISSING)
    hashed, now = hashlib.sha256(token.encode(errors='replace')).hexdigest(), request.services.clock()
    found = gather(request, lambda tx, _cell: _some(console_tokens.authorize(tx, hashed, now)), skip_cell0=True)
    refuse_nothing(found, _MISSING)
    return found.items[0]


def _some(grant: ConsoleGrant | None) -> list[ConsoleGrant]:
    return [grant] if grant else []
