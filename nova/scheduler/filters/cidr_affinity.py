"""Keep to the hosts whose address is in the network that the hints `build_near_host_ip` and `cidr` name."""

import ipaddress

from nova.domain.host import Host
from nova.domain.request import PlacementRequest

USUAL_PREFIX = '/24'


class CidrAffinity:
    always = False

    def reject(self, host: Host, request: PlacementRequest) -> str | None:
        near = request.scheduler_hints.get('build_near_host_ip')
        if not near:
            return None
        wanted = f'{near}{request.scheduler_hints.get("cidr") or USUAL_PREFIX}'
        try:
            network = ipaddress.ip_network(wanted, strict=False)
        except ValueError:
            return f'The hints build_near_host_ip and cidr name {wanted}, which is no network.'
        if _address(host.host_ip) in network:
            return None
        return f'Its address is {host.host_ip or "not known"}; the hints ask for one in {network}.'


def _address(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address; one that no network has if it is not known."""
    try:
        return ipaddress.ip_address(text or '')
    except ValueError:
        return ipaddress.IPv6Address(0)
