"""Take any host."""

from nova.domain.host import Host
from nova.domain.request import PlacementRequest


class AllHosts:
    always = False

    def reject(self, host: Host, request: PlacementRequest) -> str | None:
        return None
