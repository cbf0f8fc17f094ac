"""Let simulated guests fail, or take their time, where their users ask for it."""

import time
from collections.abc import Callable, Mapping

from nova import errors
from nova.domain.guest import Guest

# A server's metadata, or its flavor's extra specs, may ask for trouble: `fake:fail` names the method that fails (with
# `fake:fail_on` only on that host), `fake:delay` the seconds that each method takes.
FAIL, FAIL_ON, DELAY = 'fake:fail', 'fake:fail_on', 'fake:delay'


def wishes_of(guest: Guest) -> dict[str, str]:
    given = {**guest.server.flavor.extra_specs, **guest.server.metadata}
    return {key: given[key] for key in (FAIL, FAIL_ON, DELAY) if key in given}


class Trouble:
    """What the guests of one host have asked for."""

    def __init__(self, host: str, sleep: Callable[[float], None] = time.sleep):
        self._host, self._sleep = host, sleep

    def at(self, method: str, guest_id: str, wishes: Mapping[str, str]) -> None:
        """Raise HostFailed, or let time pass, if the guest wishes so."""
        if delay := wishes.get(DELAY):
            self._sleep(float(delay))
        if wishes.get(FAIL) == method and wishes.get(FAIL_ON, self._host) == self._host:
            raise errors.HostFailed(f'Guest {guest_id} was asked to fail at {method} on {self._host}.')
