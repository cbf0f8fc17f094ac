"""Keep to what the policy of the server's group asks: together on one host, or apart."""

from nova.domain.host import Host
from nova.domain.request import PlacementRequest


class ServerGroup:
    """`policy` is the one that this rule enforces."""

    always = False

    def __init__(self, policy: str):
        self._policy = policy

    def reject(self, host: Host, request: PlacementRequest) -> str | None:
        if request.group is None or request.group.policy != self._policy:
            return None
        return request.group.refuses(host.name)
