"""Networks, until 2.35, in the two forms that Compute gave them: what the network service tells the user who asks us."""

from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.routes import route
from nova.api.schema import QUERY_NUMBER, Field, Query
from nova.domain.network import Network

UNTIL = '2.35'
INDEX = policy.project_reader('os_compute_api:os-networks:list', 'Lists networks.')
SHOW = policy.project_reader('os_compute_api:os-networks:show', 'Shows a network.')
INDEX_OWN = policy.project_reader('os_compute_api:os-tenant-networks:list', "Lists a project's networks.")
SHOW_OWN = policy.project_reader('os_compute_api:os-tenant-networks:show', "Shows one of a project's networks.")

PAGE = Query(Field('limit', QUERY_NUMBER, many=True), Field('offset', QUERY_NUMBER, many=True))
# Networks had all this when Compute made them itself. Clients still look for the keys.
_FOR_ALL = (
    'bridge', 'bridge_interface', 'broadcast', 'cidr', 'cidr_v6', 'dhcp_server', 'dns1', 'dns2', 'enable_dhcp', 'gateway',
    'gateway_v6', 'mtu', 'netmask', 'netmask_v6', 'share_address',
)  # fmt: skip
_FOR_ADMINISTRATORS = (
    'created_at', 'deleted', 'deleted_at', 'dhcp_start', 'host', 'injected', 'multi_host', 'priority', 'project_id',
    'rxtx_base', 'updated_at', 'vlan', 'vpn_private_address', 'vpn_public_address', 'vpn_public_port',
)  # fmt: skip


@route('GET', '/os-networks', policy=INDEX, until=UNTIL, samples=('os-networks/networks-list-resp.json',))
def index(request: Request) -> dict[str, Any]:
    return {'networks': [_view(request, network) for network in _user(request).networks()]}


@route('GET', '/os-networks/{network_id}', policy=SHOW, until=UNTIL, samples=('os-networks/network-show-resp.json',))
def show(request: Request, network_id: str) -> dict[str, Any]:
    return {'network': _view(request, _find(request, network_id))}


@route(
    'GET',
    '/os-tenant-networks',
    policy=INDEX_OWN,
    query=PAGE,
    until=UNTIL,
    samples=('os-tenant-networks/networks-list-res.json',),
)
def index_own(request: Request) -> dict[str, Any]:
    limit, _ = request.page()
    start = int(request.params.get('offset', 0))
    return {'networks': [_short(network) for network in _user(request).networks()[start : start + limit]]}


@route(
    'GET',
    '/os-tenant-networks/{network_id}',
    policy=SHOW_OWN,
    until=UNTIL,
    samples=('os-tenant-networks/networks-post-res.json',),
)
def show_own(request: Request, network_id: str) -> dict[str, Any]:
    return {'network': _short(_find(request, network_id))}


def _user(request: Request) -> Any:
    return request.services.network.of(request.context)


def _find(request: Request, network_id: str) -> Network:
    try:
        return _user(request).network(network_id)
    except errors.NotFound as failure:
        raise errors.NotFound('Network not found') from failure


def _view(request: Request, network: Network) -> dict[str, Any]:
    keys = (*_FOR_ALL, *_FOR_ADMINISTRATORS) if request.context.is_admin else _FOR_ALL
    return dict.fromkeys(keys) | {'id': network.id, 'label': network.label}


def _short(network: Network) -> dict[str, Any]:
    # A network may have several ranges of addresses, and this form has room for one: it has always said so.
    return {'id': network.id, 'label': network.label, 'cidr': 'None'}
