"""Tell the control plane and Placement what this host has: all of it when it changes, a sign of life otherwise."""

import dataclasses
import datetime
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from nova import errors
from nova.clients.placement import PlacementClient
from nova.context import admin_context
from nova.domain.host import HostReport, Inventory
from nova.virt import driver

LOG = logging.getLogger(__name__)

DISABLED = 'COMPUTE_STATUS_DISABLED'
# What of a report moves all the time; alone it is worth a whole report only now and then.
VOLATILE = ('uptime', 'free_disk_gb', 'free_memory_mb', 'disk_available_least')
VOLATILE_EVERY = 300.0


@dataclasses.dataclass(frozen=True)
class Share:
    """How much of the host servers may have. A ratio of None leaves what Placement has been told."""

    reserved_vcpus: int = 0
    reserved_memory_mb: int = 0
    reserved_disk_gb: int = 0
    cpu_ratio: float | None = None
    memory_ratio: float | None = None
    disk_ratio: float | None = None
    initial_cpu_ratio: float = 4.0
    initial_memory_ratio: float = 1.0
    initial_disk_ratio: float = 1.0

    def of(self, inventory: Inventory) -> Inventory:
        """The inventory, of which as much is reserved as here and by the hypervisor."""
        shared = dataclasses.replace(inventory, **dataclasses.asdict(self))
        return dataclasses.replace(shared, reserved_disk_gb=self.reserved_disk_gb + inventory.reserved_disk_gb)


class Reporter:
    """Reports every `interval` seconds from a thread of its own.

    The hypervisor is asked what it has every `look_interval` seconds, Placement what it knows every `refresh_interval`
    (0: never again). When either is away, or the conductors are, it says so once and goes on trying.
    """

    def __init__(
        self,
        inventory: driver.Inventory,
        conductor: Any,
        placement: PlacementClient,
        host: str,
        node_id: str,
        share: Share,
        host_ip: str | None = None,
        interval: float = 10.0,
        look_interval: float | None = 60.0,
        refresh_interval: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._inventory, self._conductor, self._placement = inventory, conductor, placement
        self._host, self._node_id, self._host_ip = host, node_id, host_ip
        self._interval, self._look_interval, self._refresh_interval = interval, look_interval, refresh_interval
        self._clock = clock
        self.share = share
        self._started_at = datetime.datetime.now(datetime.UTC)
        # What the conductors and Placement were told last, and when.
        self._told: HostReport | None = None
        self._told_at = 0.0
        self._synced: tuple[Any, ...] | None = None
        self._synced_at = 0.0
        self._looked_at: float | None = None
        self._report: HostReport | None = None
        # Whether the host may be used, as far as the conductors have said.
        self._enabled: bool | None = None
        self._reported = False
        self._whole = False
        self._provider_trouble: str | None = 'Placement has not been told of this host yet.'
        self._said: dict[str, str] = {}
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._working = threading.Lock()

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name='report', daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._wake.set()

    def report_whole(self) -> None:
        """Look at everything again, and tell everything, as soon as may be."""
        self._whole = True
        self._wake.set()

    def take_servers(self, enabled: bool) -> None:
        """Have Placement know whether this host may be used. Raises ServiceDown if Placement is away."""
        with self._working:
            self._enabled = enabled
            if self._report is not None:
                self._sync(self._report)

    def check(self) -> None:
        """Raise ServiceDown with the reason while this host cannot take guests."""
        if self._report is None:
            raise errors.ServiceDown('This host has not looked at what it has yet.')
        if trouble := self._report.trouble or self._provider_trouble:
            raise errors.ServiceDown(trouble)
        if not self._reported:
            raise errors.ServiceDown('The conductors have not been told of this host yet.')

    def beat(self) -> None:
        """One round: look, tell Placement, tell the conductors. Each of them may be away without hindering the others."""
        with self._working:
            if self._whole:
                # Whoever asks for it during this round gets another one.
                self._whole = False
                self._told = self._looked_at = None
                self._synced_at = -math.inf
            report = self._attempt('hypervisor', self._look)
            if report is None:
                return
            self._attempt('Placement', lambda: self._sync(report))
            known = self._enabled
            self._attempt('conductors', lambda: self._tell(report))
            if self._enabled != known:
                self._attempt('Placement', lambda: self._sync(report))

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.beat()
            # While something is missing, look for it more often than hosts report.
            missing = self._said or (self._report is not None and self._report.trouble)
            self._wake.wait(min(self._interval, 2.0) if missing else self._interval)
            self._wake.clear()

    def _attempt(self, party: str, work: Callable[[], Any]) -> Any:
        try:
            result = work()
        except errors.NovaError as failure:
            self._say(party, str(failure))
            return None
        except Exception as failure:
            if self._said.get(party) is None:
                LOG.exception('The report to the %s failed.', party)
            self._said[party] = str(failure)
            return None
        if self._said.pop(party, None) is not None:
            LOG.info('Reports concerning the %s succeed again.', party)
        return result

    def _say(self, party: str, text: str) -> None:
        if self._said.get(party) != text:
            LOG.warning('%s Trying again.', text)
        self._said[party] = text

    def _look(self) -> HostReport:
        now = self._clock()
        fresh = self._looked_at is not None and (
            self._look_interval is None or now - self._looked_at < self._look_interval
        )
        if fresh and self._report and self._inventory.connected() == (self._report.trouble is None):
            return self._report
        found = self._inventory.report()
        self._report = dataclasses.replace(
            found,
            host=self._host,
            node_id=self._node_id,
            host_ip=self._host_ip,
            inventory=self.share.of(found.inventory),
            started_at=self._started_at,
        )
        self._looked_at = now
        return self._report

    def _tell(self, report: HostReport) -> None:
        if report.trouble is None and self._provider_trouble:
            report = dataclasses.replace(report, trouble=self._provider_trouble)
        old = self._clock() - self._told_at >= VOLATILE_EVERY
        if self._told is not None and (report if old else _steady(report)) == (
            self._told if old else _steady(self._told)
        ):
            self._conductor.host_alive(admin_context(), host=self._host, node_id=self._node_id)
            return
        enabled = self._conductor.report_host(admin_context(), report=report)
        self._told, self._told_at, self._reported = report, self._clock(), True
        if enabled is not None:
            self._enabled = enabled

    def _sync(self, report: HostReport) -> None:
        """Make Placement know the host as it is. What others have set there stays."""
        now = self._clock()
        state = (report.node, report.inventory, report.traits, self._enabled)
        if self._synced == state and now - self._synced_at < (self._refresh_interval or math.inf):
            return
        try:
            self._write(report)
        except errors.NovaError as failure:
            if self._synced is None:
                self._provider_trouble = str(failure)
            raise
        self._synced, self._synced_at, self._provider_trouble = state, now, None

    def _write(self, report: HostReport) -> None:
        self._placement.ensure_provider(self._node_id, report.node)
        self._placement.update_inventories(
            self._node_id, lambda current: {**current, **inventories(report.inventory, current)}
        )
        known = frozenset(self._synced[2]) if self._synced else frozenset()
        self._placement.update_traits(
            self._node_id, lambda current: traits(current, frozenset(report.traits), known, self._enabled)
        )


def inventories(inventory: Inventory, current: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What Placement shall know of the host's own resources, given what it knows."""
    rows = (
        ('VCPU', inventory.vcpus, inventory.reserved_vcpus, inventory.cpu_ratio, inventory.initial_cpu_ratio),
        (
            'MEMORY_MB',
            inventory.memory_mb,
            inventory.reserved_memory_mb,
            inventory.memory_ratio,
            inventory.initial_memory_ratio,
        ),
        ('DISK_GB', inventory.disk_gb, inventory.reserved_disk_gb, inventory.disk_ratio, inventory.initial_disk_ratio),
    )
    return {
        name: {
            'total': total,
            'reserved': min(reserved, total),
            'min_unit': 1,
            'max_unit': total,
            'step_size': 1,
            'allocation_ratio': ratio or current.get(name, {}).get('allocation_ratio') or initial,
        }
        for name, total, reserved, ratio, initial in rows
        if total > 0
    }


def traits(
    current: frozenset[str], reported: frozenset[str], reported_before: frozenset[str], enabled: bool | None
) -> frozenset[str]:
    """COMPUTE_* traits are the host's alone to say; of all others only those that it said itself are taken back.

    While it is not known whether the host is enabled, Placement's word for it stays.
    """
    others = frozenset(name for name in current if not name.startswith('COMPUTE_')) - reported_before
    disabled = DISABLED in current if enabled is None else not enabled
    return others | reported | (frozenset({DISABLED}) if disabled else frozenset())


def gigabytes(megabytes: int) -> int:
    return math.ceil(megabytes / 1024)


def _steady(report: HostReport) -> HostReport:
    return dataclasses.replace(report, **dict.fromkeys(VOLATILE))
