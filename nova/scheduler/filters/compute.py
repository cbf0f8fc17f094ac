"""Leave out hosts that are down, disabled, or cannot make guests just now."""

import datetime
from collections.abc import Callable

from nova.domain.host import Host
from nova.domain.request import PlacementRequest


class Compute:
    always = False

    def __init__(self, service_down_time: int, now: Callable[[], datetime.datetime]):
        self._service_down_time, self._now = service_down_time, now

    def reject(self, host: Host, request: PlacementRequest) -> str | None:
        if not host.enabled:
            return f'It is disabled: {host.disabled_reason}.' if host.disabled_reason else 'It is disabled.'
        if not host.up(self._now(), self._service_down_time):
            return 'It is down.'
        if host.trouble:
            return f'It is in trouble: {host.trouble}'
        return None
