"""Weigh hosts by how many servers they have."""

from nova.domain.host import Host
from nova.domain.request import PlacementRequest


class NumInstances:
    name = 'num_instances'

    def __init__(self, multiplier: float = 1.0):
        self.multiplier = multiplier

    def measure(self, host: Host, request: PlacementRequest) -> float:
        return host.servers
