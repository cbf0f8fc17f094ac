"""Weigh hosts by free memory."""

from nova.domain.host import Host
from nova.domain.request import PlacementRequest


class RAM:
    name = 'ram'

    def __init__(self, multiplier: float = 1.0):
        self.multiplier = multiplier

    def measure(self, host: Host, request: PlacementRequest) -> float:
        return host.free_memory_mb
