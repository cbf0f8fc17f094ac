"""Leave out hosts that have as many servers as they may have."""

from nova.domain.host import Host
from nova.domain.request import PlacementRequest


class NumInstances:
    always = False

    def __init__(self, maximum: int):
        self._maximum = maximum

    def reject(self, host: Host, request: PlacementRequest) -> str | None:
        if host.servers < self._maximum:
            return None
        return f'It has {host.servers} servers; {self._maximum} are allowed.'
