"""Leave out hosts that have failed this server already."""

from nova.domain.host import Host
from nova.domain.request import PlacementRequest


class FailedBefore:
    always = True

    def reject(self, host: Host, request: PlacementRequest) -> str | None:
        return 'It has failed to make this guest already.' if host.name in request.excluding else None
