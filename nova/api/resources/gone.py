"""What earlier releases had and no version has any more: each call is 410, with a sentence on what to use instead."""

from typing import NoReturn

from nova import errors
from nova.api.request import Request
from nova.api.routes import route

# By the word of the path that names the resource.
SENTENCES = {
    'os-agents': 'Guest agents are no longer kept track of. Update them by the means of the guest itself.',
    'os-cells': 'Cells of the first kind are gone. Operators manage cells with nova-manage cell_v2.',
    'os-certificates': 'Certificates are no longer issued here. Use a key manager.',
    'os-cloudpipe': 'VPN servers for projects are no longer made here. Use the VPN of the network service.',
    'os-fixed-ips': 'Fixed addresses are managed by the network service. Ask it for ports.',
    'os-floating-ip-dns': 'Names of floating addresses are managed by the network and DNS services.',
    'os-floating-ips-bulk': 'Ranges of floating addresses are managed by the network service, as its external networks.',
    'os-fping': 'Servers are no longer pinged from here.',
    'os-networks': 'Networks are managed by the network service. Change them there.',
    'os-security-group-default-rules': 'Default security groups are managed by the network service. Change them there.',
    'os-tenant-networks': 'Networks are managed by the network service. Change them there.',
    'consoles': 'Consoles of Xen are gone. Ask for a console with POST /servers/{server_id}/remote-consoles.',
    'os-virtual-interfaces': 'List the interfaces of a server with GET /servers/{server_id}/os-interface.',
}

COLLECTIONS = (
    ('GET', '/os-agents'),
    ('POST', '/os-agents'),
    ('GET', '/os-cells'),
    ('POST', '/os-cells'),
    ('GET', '/os-cells/capacities'),
    ('GET', '/os-cells/detail'),
    ('GET', '/os-cells/info'),
    ('POST', '/os-cells/sync_instances'),
    ('POST', '/os-certificates'),
    ('GET', '/os-cloudpipe'),
    ('POST', '/os-cloudpipe'),
    ('GET', '/os-floating-ip-dns'),
    ('GET', '/os-floating-ips-bulk'),
    ('POST', '/os-floating-ips-bulk'),
    ('GET', '/os-fping'),
    ('POST', '/os-networks'),
    ('POST', '/os-networks/add'),
    ('GET', '/os-security-group-default-rules'),
    ('POST', '/os-security-group-default-rules'),
    ('POST', '/os-tenant-networks'),
)
ITEMS = (
    ('PUT', '/os-agents/{item}'),
    ('DELETE', '/os-agents/{item}'),
    ('GET', '/os-cells/{item}'),
    ('PUT', '/os-cells/{item}'),
    ('DELETE', '/os-cells/{item}'),
    ('GET', '/os-cells/{item}/capacities'),
    ('GET', '/os-certificates/{item}'),
    ('PUT', '/os-cloudpipe/{item}'),
    ('GET', '/os-fixed-ips/{item}'),
    ('PUT', '/os-floating-ip-dns/{item}'),
    ('DELETE', '/os-floating-ip-dns/{item}'),
    ('GET', '/os-floating-ips-bulk/{item}'),
    ('PUT', '/os-floating-ips-bulk/{item}'),
    ('GET', '/os-fping/{item}'),
    ('GET', '/os-security-group-default-rules/{item}'),
    ('DELETE', '/os-security-group-default-rules/{item}'),
)
ADDRESS_ACTIONS = ('reserve', 'unreserve')
NETWORK_ACTIONS = ('disassociate', 'disassociate_host', 'disassociate_project', 'associate_host')


def _declare(*calls: tuple[str, ...]):
    def declare(handler):
        for method, path, *action in calls:
            handler = route(method, path, policy=None, action=action[0] if action else None, status=410)(handler)
        return handler

    return declare


@_declare(*COLLECTIONS)
def collection(request: Request) -> NoReturn:
    _refuse(request)


@_declare(*ITEMS, *(('POST', '/os-fixed-ips/{item}/action', action) for action in ADDRESS_ACTIONS))
def one(request: Request, item: str) -> NoReturn:
    _refuse(request)


@_declare(*((method, '/os-floating-ip-dns/{item}/entries/{entry}') for method in ('GET', 'PUT', 'DELETE')))
def dns_entry(request: Request, item: str, entry: str) -> NoReturn:
    _refuse(request)


@_declare(
    ('DELETE', '/os-networks/{network_id}'),
    ('DELETE', '/os-tenant-networks/{network_id}'),
    *(('POST', '/os-networks/{network_id}/action', action) for action in NETWORK_ACTIONS),
)
def network(request: Request, network_id: str) -> NoReturn:
    _refuse(request)


@_declare(
    ('GET', '/servers/{server_id}/consoles'),
    ('POST', '/servers/{server_id}/consoles'),
    ('GET', '/servers/{server_id}/os-virtual-interfaces'),
)
def of_server(request: Request, server_id: str) -> NoReturn:
    _refuse(request)


@_declare(
    ('GET', '/servers/{server_id}/consoles/{console_id}'), ('DELETE', '/servers/{server_id}/consoles/{console_id}')
)
def console(request: Request, server_id: str, console_id: str) -> NoReturn:
    _refuse(request)


def _refuse(request: Request) -> NoReturn:
    words = request.http.path_info.split('/')
    raise errors.Gone(next(SENTENCES[word] for word in words if word in SENTENCES))
