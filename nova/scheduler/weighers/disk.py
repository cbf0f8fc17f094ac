"""Weigh hosts by free disk space."""

from nova.domain.host import Host
from nova.domain.request import PlacementRequest


class Disk:
    name = 'disk'

    def __init__(self, multiplier: float = 1.0):
        self.multiplier = multiplier

    def measure(self, host: Host, request: PlacementRequest) -> float:
        return host.free_disk_gb
