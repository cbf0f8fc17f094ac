"""Availability zones: groups of hosts that users can choose between."""

from typing import Any

from nova.api import policy
from nova.api.hosts import COMPUTE, all_services, service_up, shown_moment
from nova.api.request import Request
from nova.api.routes import route
from nova.domain.host import Service

LIST = policy.any_authenticated('os_compute_api:os-availability-zone:list', 'List availability zones.')
DETAIL = policy.admin('os_compute_api:os-availability-zone:detail', 'List availability zones with their hosts.')


@route(
    'GET',
    '/os-availability-zone',
    policy=LIST,
    samples=('os-availability-zone/availability-zone-list-resp.json',),
)
def listing(request: Request) -> dict[str, Any]:
    zones = _by_zone(all_services(request, binary=COMPUTE).items)
    return {'availabilityZoneInfo': [_zone(name, found, None) for name, found in zones.items()]}


@route(
    'GET',
    '/os-availability-zone/detail',
    policy=DETAIL,
    samples=('os-availability-zone/availability-zone-detail-resp.json',),
)
def detail(request: Request) -> dict[str, Any]:
    zones = _by_zone(all_services(request).items)
    return {'availabilityZoneInfo': [_zone(name, found, _hosts(request, found)) for name, found in zones.items()]}


def _by_zone(services: Any) -> dict[str, list[Service]]:
    zones: dict[str, list[Service]] = {}
    for service in services:
        zones.setdefault(service.availability_zone, []).append(service)
    return dict(sorted(zones.items()))


def _zone(name: str, services: list[Service], hosts: dict[str, Any] | None) -> dict[str, Any]:
    """A zone is available while one of its hosts is enabled."""
    available = any(service.enabled for service in services)
    return {'zoneName': name, 'zoneState': {'available': available}, 'hosts': hosts}


def _hosts(request: Request, services: list[Service]) -> dict[str, Any]:
    hosts: dict[str, Any] = {}
    for service in services:
        hosts.setdefault(service.host, {})[service.binary] = {
            'active': service.enabled,
            'available': service_up(request, service),
            'updated_at': shown_moment(service.seen_at),
        }
    return hosts
