"""Find guests on this host whose servers were deleted, and do with them what the operator has decided."""

import logging
from typing import Any

from nova.compute.guests import Guests, able
from nova.context import admin_context
from nova.domain.guest import Observed
from nova.domain.lifecycle import Power
from nova.virt import driver

LOG = logging.getLogger(__name__)

NOOP, LOGGED, SHUTDOWN, REAP = 'noop', 'log', 'shutdown', 'reap'


class DeletedGuests:
    """Guests of servers that nobody knows are never touched: see `Guests.compare`.

    `action`: NOOP, LOGGED, SHUTDOWN or REAP; `timeout`: for how many seconds a server must have been deleted.
    """

    def __init__(
        self, hypervisor: Any, guests: Guests, conductor: Any, host: str, action: str = REAP, timeout: float = 0.0
    ):
        self._hypervisor, self._guests, self._conductor, self._host = hypervisor, guests, conductor, host
        self.action, self._timeout = action, timeout

    def look(self) -> None:
        if self.action == NOOP:
            return
        expected = self._conductor.guests_expected(admin_context(), host=self._host)
        strays = {seen.id: seen for seen in self._hypervisor.list() if seen.id and seen.id not in expected}
        if not strays:
            return
        deleted = self._conductor.deleted_servers(admin_context(), server_ids=tuple(sorted(strays)))
        for server_id, seconds in deleted.items():
            if seconds >= self._timeout:
                self._act(strays[server_id])

    def _act(self, guest: Observed) -> None:
        LOG.warning('Guest %s is %s, but server %s was deleted.', guest.name, guest.power.name.lower(), guest.id)
        if self.action == REAP:
            self._guests.remove(guest.id, guest.name, True)
            LOG.warning('Guest %s of deleted server %s is removed.', guest.name, guest.id)
        elif self.action == SHUTDOWN and guest.power is not Power.SHUTDOWN:
            hypervisor = able(self._hypervisor, driver.PowerControl, 'stop guests')
            with self._guests.working_on(guest.id, 'stopped') as noted:
                noted(hypervisor.stop(guest.id, 0))
            LOG.warning('Guest %s of deleted server %s is switched off.', guest.name, guest.id)
