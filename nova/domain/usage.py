"""What a project uses of its quota, and what its servers have used over a time."""

import dataclasses
import datetime

from nova.domain.flavor import Flavor
from nova.domain.lifecycle import State


@dataclasses.dataclass(frozen=True)
class Usage:
    """Servers, virtual CPUs and memory in MB; sums of cells are made with `+`."""

    instances: int = 0
    cores: int = 0
    memory_mb: int = 0

    def __add__(self, other: 'Usage') -> 'Usage':
        return Usage(self.instances + other.instances, self.cores + other.cores, self.memory_mb + other.memory_mb)


@dataclasses.dataclass(frozen=True)
class ServerUsage:
    """A server that was launched, and for how long it has run."""

    id: str
    name: str
    project_id: str
    flavor: Flavor
    state: State
    launched_at: datetime.datetime
    terminated_at: datetime.datetime | None = None

    @property
    def disk_gb(self) -> int:
        return self.flavor.disk_gb + self.flavor.ephemeral_gb

    def hours(self, start: datetime.datetime, stop: datetime.datetime) -> float:
        """For how many hours it ran between two moments."""
        ended = min(self.terminated_at, stop) if self.terminated_at else stop
        return max((ended - max(self.launched_at, start)).total_seconds(), 0) / 3600

    def uptime(self, now: datetime.datetime) -> int:
        """For how many seconds it has run in all."""
        return int(((self.terminated_at or now) - self.launched_at).total_seconds())
