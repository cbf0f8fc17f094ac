"""Keep to the availability zone that the user asked for."""

from nova.domain.host import Host
from nova.domain.request import PlacementRequest


class AvailabilityZone:
    always = False

    def __init__(self, default_zone: str):
        self._default_zone = default_zone

    def reject(self, host: Host, request: PlacementRequest) -> str | None:
        if not request.availability_zone:
            return None
        zone = host.availability_zone or self._default_zone
        if zone in (name.strip() for name in request.availability_zone.split(',')):
            return None
        return f'It is in the availability zone {zone}, not in {request.availability_zone}.'
