"""Do to this host's guests what the control plane asks, one thing at a time for each."""

import concurrent.futures
import contextlib
import dataclasses
import logging
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from nova import errors
from nova.clients import vendor_data
from nova.compute.images import ImageCache, source_of
from nova.compute.plugging import Plugging, Wait
from nova.compute.tpms import Tpms
from nova.compute.turns import Turns
from nova.context import admin_context
from nova.domain import guest_data, guest_devices, lifecycle
from nova.domain.diagnostics import Diagnostics
from nova.domain.guest import ConsoleAddress, Guest
from nova.domain.lifecycle import Power, State
from nova.virt import driver

LOG = logging.getLogger(__name__)

CONSOLE_BYTES = 1 << 20  # more of a console log than this is no message for the bus
SEED_BYTES = 512

OFF = frozenset({Power.SHUTDOWN, Power.CRASHED})


@dataclasses.dataclass(frozen=True)
class ConfigDrives:
    """Which guests get a config drive, and what is on it."""

    site: guest_data.Site = guest_data.Site()
    always: bool = False
    skip_versions: Collection[str] = guest_data.SKIPPED_ON_CONFIG_DRIVES
    vendor: vendor_data.ForServer = vendor_data.nothing_more

    def files(self, guest: Guest) -> Mapping[str, bytes] | None:
        server = guest.server
        demanded = server.image_properties.get('img_config_drive') == 'mandatory'
        if not (self.always or server.config_drive or demanded or guest.files):
            return None
        # Its disks are known by their tags; where they will be is known only when it has started.
        metadata = guest_devices.records(guest_devices.Description(devices=guest_devices.pending(guest)), {})
        server = dataclasses.replace(
            server,
            config_drive=True,
            ports=guest.ports or server.ports,
            system_metadata={**server.system_metadata, **metadata},
        )
        seed = os.urandom(SEED_BYTES)
        site = self.vendor(self.site, server)
        return guest_data.files(server, site, seed, self.skip_versions, guest.admin_password, guest.files)


class Guests:
    """The guests of this host. A call for a guest waits for the one before it."""

    def __init__(
        self,
        hypervisor: Any,
        images: ImageCache,
        conductor: Any,
        host: str,
        config_drives: ConfigDrives | None = None,
        max_builds: int = 10,
        tpms: Tpms | None = None,
        plugging: Plugging | None = None,
        most_compared: int = 1,
    ):
        self._hypervisor, self._images, self._conductor, self._host = hypervisor, images, conductor, host
        self._tpms = tpms
        self.plugging = plugging or Plugging()
        self._most_compared = max(1, most_compared)
        self.config_drives = config_drives or ConfigDrives()
        self._builds = threading.BoundedSemaphore(max_builds) if max_builds else contextlib.nullcontext()
        self._turns = Turns()
        self._lock = threading.Lock()
        # The power that the control plane knows of, so that only news is sent.
        self._known: dict[str, Power] = {}
        self.unexpected = 0
        self.counts = {'ensured': 0, 'removed': 0, 'failed': 0}

    @property
    def busy(self) -> int:
        """How many guests are being made or removed, or wait for it."""
        return len(self._turns.taken())

    def ensure(self, guest: Guest) -> Power:
        # What is waited for holds up no other guest's making.
        with self._alone(guest.id), self._counted('ensured'), self.plugging.expected(guest) as wait:
            with self._builds:
                power = self._make(guest, held=wait is not None)
            if wait is not None and power is Power.PAUSED:
                power = self._let_go(guest, wait)
            self._known[guest.id] = power
            self._describe(guest)
            return power

    def _make(self, guest: Guest, held: bool) -> Power:
        kept, source = source_of(self._images, guest)
        if self._tpms:
            self._tpms.unlock_to_start(guest)
        options = {'held': True} if held else {}
        return self._hypervisor.ensure(kept, source, self.config_drives.files(guest), **options)

    def unlock(self, guest: Guest) -> None:
        """Have ready what the guest's next start needs and this host may not have; best before it is stopped."""
        if self._tpms:
            self._tpms.unlock(guest)

    def _let_go(self, guest: Guest, wait: Wait) -> Power:
        """Let a guest that is held run when its ports are wired; else it is as it was before."""
        try:
            self.plugging.wait(wait)
        except errors.HostFailed:
            self._put_back(guest)
            raise
        return self._hypervisor.unpause(guest.id)

    def _put_back(self, guest: Guest) -> None:
        try:
            if guest.server.state is State.SUSPENDED:
                self._hypervisor.suspend(guest.id)
            else:
                self._hypervisor.stop(guest.id, 0)
        except errors.NovaError as failure:
            LOG.warning('Guest %s is left as it is: %s', guest.id, failure)

    def _describe(self, guest: Guest) -> None:
        if isinstance(self._hypervisor, driver.Descriptions) and guest_devices.worth_telling(guest):
            description = self._hypervisor.describe(guest)
            self._conductor.guest_described(
                admin_context(), host=self._host, server_id=guest.id, description=description
            )

    def remove(self, server_id: str, guest_name: str | None, destroy_disks: bool) -> None:
        leaving = self._tpms.leaving(server_id) if self._tpms and destroy_disks else contextlib.nullcontext()
        with self._alone(server_id), self._counted('removed'):
            with leaving:
                self._hypervisor.remove(server_id, guest_name, destroy_disks)
            self._known.pop(server_id, None)

    @contextlib.contextmanager
    def working_on(self, server_id: str, what: str) -> Iterator[Callable[[Power], Power]]:
        """Let nobody else touch the guest meanwhile, and count what was done to it. The power that it is left in is
        given to what this yields, so that the hypervisor's own news of it is none."""

        def noted(power: Power) -> Power:
            self._known[server_id] = power
            return power

        with self._alone(server_id), self._counted(what):
            yield noted

    def diagnose(self, server_id: str) -> Diagnostics:
        return able(self._hypervisor, driver.Measures, 'tell what guests use').diagnose(server_id)

    def console_output(self, server_id: str, length: int | None) -> str:
        hypervisor = able(self._hypervisor, driver.Console, 'keep console logs')
        return hypervisor.output(server_id, length)[-CONSOLE_BYTES:].decode(errors='replace')

    def console_address(self, server_id: str, kind: str) -> ConsoleAddress:
        return able(self._hypervisor, driver.Console, 'show consoles').address(server_id, kind)

    def changed(self, server_id: str, power: Power | None) -> None:
        """A guest changed by itself: tell the control plane, unless it was our doing or is known."""
        if server_id in self._turns.taken():
            return
        with self._lock:
            if power is None:
                self._known.pop(server_id, None)
            elif self._known.get(server_id) == power:
                return
            else:
                self._known[server_id] = power
        self._conductor.guest_changed(admin_context(), host=self._host, server_id=server_id, power=power)

    def compare(self, resume: bool = False) -> None:
        """Compare this host's guests with those that it should have; tell the control plane what differs.

        Guests of operations under way are theirs to mend; guests that nobody expects are left alone and logged. With
        `resume` those that are off and should run are not taken for stopped: it is asked to start them.
        """
        expected = self._conductor.guests_expected(admin_context(), host=self._host)
        found = {observed.id: observed.power for observed in self._hypervisor.list() if observed.id}
        unexpected = sorted((set(found) | set(self._hypervisor.leftovers())) - set(expected) - self._turns.taken())
        if unexpected:
            LOG.warning(
                'This host has guests or files of servers that should have none here; they are left alone: %s',
                ', '.join(unexpected),
            )
        self.unexpected = len(unexpected)
        down = tuple(
            server_id
            for server_id, state in expected.items()
            if resume and State(state) is State.ACTIVE and found.get(server_id) in OFF
        )
        if down:
            LOG.info('Guests that ran when this host went down are started: %s', ', '.join(down))
            self._conductor.guests_down(admin_context(), host=self._host, server_ids=down)
        compared = [(name, State(state), found.get(name)) for name, state in expected.items() if name not in down]
        with concurrent.futures.ThreadPoolExecutor(self._most_compared, 'compare-guest') as pool:
            for done in [pool.submit(self._compare_one, *one) for one in compared if self._differs(*one)]:
                done.result()
        if self._tpms:
            self._tpms.sweep()

    def _differs(self, server_id: str, state: State, power: Power | None) -> bool:
        usual = lifecycle.USUAL_POWER.get(state)
        if usual is None:
            return False
        if power in usual and self._known.get(server_id, power) == power:
            self._known[server_id] = power
            return False
        return True

    def _compare_one(self, server_id: str, state: State, power: Power | None) -> None:
        if power not in lifecycle.USUAL_POWER[state]:
            LOG.warning('Server %s should be %s; its guest is %s.', server_id, state.value, _shown(power))
            # It may have been told before, when an operation held the server.
            self._known.pop(server_id, None)
        self.changed(server_id, power)

    def _alone(self, server_id: str) -> contextlib.AbstractContextManager[None]:
        return self._turns.alone(server_id)

    @contextlib.contextmanager
    def _counted(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception:
            self.counts['failed'] += 1
            raise
        self.counts[what] = self.counts.get(what, 0) + 1


def able(hypervisor: Any, interface: type, what: str) -> Any:
    if not isinstance(hypervisor, interface):
        raise errors.NotImplementedHere(f'The driver of this host cannot {what}.')
    return hypervisor


def _shown(power: Power | None) -> str:
    return 'not there' if power is None else power.name.lower()
