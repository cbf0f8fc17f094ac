"""Which network interfaces a request asks for."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.domain.network import Network, NetworkRequest

ATTACH_NETWORK = policy.project_member(
    'os_compute_api:servers:create:attach_network', 'Creates a server with chosen networks or ports.'
)
ATTACH_EXTERNAL = policy.admin(
    'network:attach_external_network', 'Attaches a server to an external network that is not shared.'
)

DEFAULT_GROUP = 'default'


def wanted(request: Request, count: int, security_groups: tuple[str, ...]) -> tuple[NetworkRequest, ...] | None:
    """The interfaces that each of `count` servers gets, known to the network service; None for no network at all."""
    asked = request.body.get('networks')
    if asked == 'none':
        return None
    if not asked or asked == 'auto':
        requests = _automatic(request, must_be=asked == 'auto')
        if requests and set(security_groups) - {DEFAULT_GROUP}:
            request.services.network.check(request.context, (), security_groups)
        return requests or None
    request.require(ATTACH_NETWORK)
    requests = tuple(_one(entry) for entry in asked)
    _refuse_unsharable(requests, count)
    found = request.services.network.check(request.context, requests, security_groups)
    _refuse_external(request, found)
    _refuse_promised(request, [one.port_id for one in requests if one.port_id])
    return requests


def _refuse_external(request: Request, networks: Iterable[Network]) -> None:
    closed = next((network for network in networks if network.external), None)
    if closed and not request.may(ATTACH_EXTERNAL):
        raise errors.Forbidden(f'It is not allowed to create an interface on external network {closed.id}')


def _refuse_promised(request: Request, port_ids: Sequence[str]) -> None:
    """Ports with guaranteed bandwidth and the like: nothing reserves it here yet, so it would be promised in vain."""
    if not port_ids or not request.services.network.wants_resources(port_ids):
        return
    if request.version < (2, 72):
        raise errors.Invalid(
            'Creating servers with ports having resource requests, like a port with a QoS minimum bandwidth policy, '
            'is not supported until microversion 2.72.'
        )
    raise errors.NotImplementedHere('Ports having resource requests are not offered to servers by this cloud yet.')


def _automatic(request: Request, must_be: bool) -> tuple[NetworkRequest, ...]:
    """The project's only network. A project that has none gets one if one `must_be`, else a server without."""
    networks = request.services.network.available(request.context)
    if must_be and not networks:
        return (NetworkRequest(_allocated(request)),)
    return tuple(NetworkRequest(network.id) for network in networks)


def _allocated(request: Request) -> str:
    why = 'it has none, and the network service makes none.'
    try:
        network_id = request.services.network.allocate(request.context)
    except errors.Conflict as failure:
        network_id, why = None, str(failure)
    if network_id is None:
        raise errors.Invalid(
            f'Unable to automatically allocate a network for project {request.context.project_id}: {why}'
        )
    return network_id


def _one(entry: dict[str, Any]) -> NetworkRequest:
    port_id, network_id, fixed_ip = entry.get('port'), entry.get('uuid'), entry.get('fixed_ip')
    if port_id:
        if fixed_ip:
            raise errors.Invalid(
                f"Specified Fixed IP '{fixed_ip}' cannot be used with port '{port_id}': "
                'the two cannot be specified together.'
            )
        return NetworkRequest(port_id=port_id, tag=entry.get('tag'))
    if not network_id:
        raise errors.Invalid('Bad networks format: network uuid is not in proper format (None)')
    if not _is_uuid(network_id):
        raise errors.Invalid(f'Bad networks format: network uuid is not in proper format ({network_id})')
    return NetworkRequest(network_id, fixed_ip=fixed_ip, tag=entry.get('tag'))


def _is_uuid(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False


def _refuse_unsharable(requests: tuple[NetworkRequest, ...], count: int) -> None:
    tags = [request.tag for request in requests if request.tag]
    if len(set(tags)) < len(tags):
        raise errors.Invalid('Tags of networks must be unique for each server; please verify the tags in the request.')
    if count > 1 and any(request.port_id for request in requests):
        raise errors.Invalid(
            'Unable to launch multiple instances with a single configured port ID. '
            'Please launch your instance one by one with different ports.'
        )
    if count > 1 and any(request.fixed_ip for request in requests):
        raise errors.Invalid('max_count cannot be greater than 1 if an fixed_ip is specified.')
