"""Switch this host's guests off and on, and hold them."""

import contextlib
from typing import Any

from nova import errors
from nova.compute.guests import Guests, able
from nova.domain.guest import Guest
from nova.domain.lifecycle import Power
from nova.virt import driver


class PowerControl:
    """The timeouts: seconds that a guest's system is given to shut down, and to do so in order to start anew, where its
    image does not say."""

    def __init__(self, hypervisor: Any, guests: Guests, shutdown_timeout: float = 60.0, reboot_timeout: float = 120.0):
        self._hypervisor, self._guests = hypervisor, guests
        self._shutdown_timeout, self._reboot_timeout = shutdown_timeout, reboot_timeout

    def stop(self, server_id: str, timeout: float | None) -> Power:
        hypervisor = able(self._hypervisor, driver.PowerControl, 'stop guests')
        grace = self._shutdown_timeout if timeout is None else timeout
        with self._guests.working_on(server_id, 'stopped') as noted:
            return noted(hypervisor.stop(server_id, 0 if self._is_held(server_id) else grace))

    def reboot(self, guest: Guest, timeout: float | None) -> Power:
        """Stop the guest, and make it anew from what the control plane knows of it; its disks stay."""
        hypervisor = able(self._hypervisor, driver.PowerControl, 'reboot guests')
        with self._guests.working_on(guest.id, 'unlocked'):
            self._guests.unlock(guest)
        # A guest that is not there has nothing to be stopped.
        with contextlib.suppress(errors.NotFound), self._guests.working_on(guest.id, 'stopped'):
            hypervisor.stop(guest.id, self._reboot_timeout if timeout is None else timeout)
        return self._guests.ensure(guest)

    def pause(self, server_id: str) -> Power:
        hypervisor = able(self._hypervisor, driver.PowerControl, 'pause guests')
        with self._guests.working_on(server_id, 'paused') as noted:
            return noted(hypervisor.pause(server_id))

    def unpause(self, server_id: str) -> Power:
        hypervisor = able(self._hypervisor, driver.PowerControl, 'unpause guests')
        with self._guests.working_on(server_id, 'unpaused') as noted:
            return noted(hypervisor.unpause(server_id))

    def suspend(self, server_id: str) -> Power:
        hypervisor = able(self._hypervisor, driver.PowerControl, 'suspend guests')
        with self._guests.working_on(server_id, 'suspended') as noted:
            return noted(hypervisor.suspend(server_id))

    def crash_dump(self, server_id: str) -> None:
        hypervisor = able(self._hypervisor, driver.PowerControl, 'trigger crash dumps')
        with self._guests.working_on(server_id, 'dumped'):
            hypervisor.crash_dump(server_id)

    def _is_held(self, server_id: str) -> bool:
        """Whether nothing in the guest could hear that it shall shut down."""
        seen = self._hypervisor.observe(server_id)
        return seen is not None and seen.power is Power.PAUSED
