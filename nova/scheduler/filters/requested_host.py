"""Keep to the host or node that an administrator named."""

from nova.domain.host import Host
from nova.domain.request import PlacementRequest


class RequestedHost:
    always = True

    def reject(self, host: Host, request: PlacementRequest) -> str | None:
        if request.host and host.name != request.host:
            return f'The request names the host {request.host}.'
        if request.node and host.node != request.node:
            return f'The request names the node {request.node}.'
        return None
