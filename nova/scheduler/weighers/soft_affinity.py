"""Weigh hosts by how many members of the server's group they have, for groups that would rather be together."""

from nova.domain.host import Host
from nova.domain.request import SOFT_AFFINITY, PlacementRequest


class SoftAffinity:
    name = 'soft_affinity'

    def __init__(self, multiplier: float = 1.0):
        self.multiplier = multiplier

    def measure(self, host: Host, request: PlacementRequest) -> float:
        wanted = request.group is not None and request.group.policy == SOFT_AFFINITY
        return request.group.on(host.name) if wanted else 0
