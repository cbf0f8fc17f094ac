"""Weigh hosts by the version of their hypervisor."""

from nova.domain.host import Host
from nova.domain.request import PlacementRequest


class HypervisorVersion:
    name = 'hypervisor_version'

    def __init__(self, multiplier: float = 1.0):
        self.multiplier = multiplier

    def measure(self, host: Host, request: PlacementRequest) -> float:
        return host.hypervisor_version
