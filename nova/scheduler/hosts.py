"""Keep a picture of all hosts in memory, so that choosing one reads nothing."""

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from nova import errors
from nova.domain.host import Host

LOG = logging.getLogger(__name__)

# Seconds after which a claim of ours that a host's record still does not show is no longer added to it.
SETTLED_AFTER = 30.0


class Source(Protocol):
    """Where the hosts of the enabled cells are read from."""

    def all(self) -> tuple[Iterable[Host], Iterable[str]]:
        """Every host, and the ids of the cells that could not be asked."""

    def changed(self) -> Iterable[Host]:
        """Those that may have changed since this was last asked. Raises ServiceDown if nothing could be read."""


@dataclasses.dataclass(frozen=True)
class Pending:
    """A claim of this scheduler that the host's record may not show yet."""

    amounts: Mapping[str, int]
    at: float
    # How many servers the host gains by it: none, if one that it has takes more.
    servers: int = 1


class Hosts:
    """All hosts by node id, each with what this scheduler has claimed there and the database does not show yet."""

    def __init__(self, source: Source, full_every: float = 60.0, clock: Callable[[], float] = time.monotonic):
        self._source, self._full_every, self._clock = source, full_every, clock
        self._recorded: dict[str, Host] = {}
        self._pending: dict[str, list[Pending]] = {}
        self._view: dict[str, Host] = {}
        self._full_at: float | None = None
        self._lock = threading.Lock()
        self._reading = threading.Lock()

    def view(self) -> dict[str, Host]:
        """A copy, so that whoever chooses for several servers can note each choice in it."""
        with self._lock:
            return dict(self._view)

    def claimed(self, node_id: str, amounts: Mapping[str, int], servers: int = 1) -> None:
        """Count a claim at once, for a new server or (0) for one that is there; the host's record follows."""
        with self._lock:
            if node_id not in self._recorded:
                return
            self._pending.setdefault(node_id, []).append(Pending(amounts, self._clock(), servers))
            self._view[node_id] = with_claim(self._view[node_id], amounts, servers)

    def refresh(self, whole: bool = False) -> None:
        """Read what has changed; every minute, or if asked to, everything. Raises ServiceDown, and keeps the picture."""
        with self._reading:
            now = self._clock()
            if whole or self._full_at is None or now - self._full_at >= self._full_every:
                self._read_all()
                self._full_at = now
            else:
                self._note(self._source.changed())

    def age(self) -> float:
        """Seconds since everything was last read."""
        return float('inf') if self._full_at is None else self._clock() - self._full_at

    def _read_all(self) -> None:
        found, silent_cells = self._source.all()
        silent = frozenset(silent_cells)
        read = {host.node_id: host for host in found}
        with self._lock:
            gone = [
                node_id
                for node_id, host in self._recorded.items()
                if node_id not in read and host.cell_id not in silent
            ]
            for node_id in gone:
                for held in (self._recorded, self._pending, self._view):
                    held.pop(node_id, None)
        self._note(read.values())

    def _note(self, hosts: Iterable[Host]) -> None:
        for host in hosts:
            with self._lock:
                before = self._recorded.get(host.node_id)
                self._recorded[host.node_id] = host
                self._view[host.node_id] = self._with_pending(host, before or host)
        self._settle()

    def _settle(self) -> None:
        """Drop claims that should have been recorded long ago: the server was deleted, or never made."""
        with self._lock:
            old = self._clock() - SETTLED_AFTER
            for node_id in [node_id for node_id, held in self._pending.items() if held and held[0].at < old]:
                self._view[node_id] = self._with_pending(self._recorded[node_id], self._recorded[node_id])

    def _with_pending(self, host: Host, before: Host) -> Host:
        held = self._pending.get(host.node_id)
        if not held:
            return host
        old = self._clock() - SETTLED_AFTER
        held[:] = [claim for claim in unrecorded(held, before, host) if claim.at >= old]
        for claim in held:
            host = with_claim(host, claim.amounts, claim.servers)
        return host


class Refresher:
    """Keeps the picture fresh from a thread of its own."""

    def __init__(self, hosts: Hosts, interval: float = 1.0):
        self._hosts, self._interval = hosts, interval
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._complained = False

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name='refresh-hosts', daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            try:
                self._hosts.refresh()
                self._complained = False
            except errors.ServiceDown as failure:
                if not self._complained:
                    LOG.warning('Hosts cannot be read; choosing from what was known before. %s', failure)
                self._complained = True
            except Exception:
                LOG.exception('Hosts could not be read; choosing from what was known before.')


def unrecorded(pending: Iterable[Pending], before: Host, now: Host) -> list[Pending]:
    """The claims that the host's record did not show before, and does not show now.

    Each server that it has gained is one whose claim it now shows; what else it has gained was claimed for those it had.
    """
    servers = now.servers - before.servers
    gained = [amount - was for amount, was in zip(_claims(now), _claims(before), strict=True)]
    left = []
    for claim in sorted(pending, key=lambda claim: -claim.servers):
        amounts = _amounts(claim.amounts)
        shown = (
            servers > 0 if claim.servers else all(more >= amount for more, amount in zip(gained, amounts, strict=True))
        )
        if not shown:
            left.append(claim)
            continue
        servers -= claim.servers
        gained = [more - amount for more, amount in zip(gained, amounts, strict=True)]
    return sorted(left, key=lambda claim: claim.at)


def _claims(host: Host) -> tuple[int, int, int]:
    return host.claimed_vcpus, host.claimed_memory_mb, host.claimed_disk_gb


def _amounts(claimed: Mapping[str, int]) -> tuple[int, int, int]:
    return claimed.get('VCPU', 0) + claimed.get('PCPU', 0), claimed.get('MEMORY_MB', 0), claimed.get('DISK_GB', 0)


def with_claim(host: Host, amounts: Mapping[str, int], servers: int = 1) -> Host:
    """The host as it is once these amounts are claimed on it, for so many more servers."""
    vcpus, memory_mb, disk_gb = _amounts(amounts)
    return dataclasses.replace(
        host,
        claimed_vcpus=host.claimed_vcpus + vcpus,
        claimed_memory_mb=host.claimed_memory_mb + memory_mb,
        claimed_disk_gb=host.claimed_disk_gb + disk_gb,
        servers=host.servers + servers,
    )
