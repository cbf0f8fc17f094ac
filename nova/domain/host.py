"""A machine that runs guests: what it has, what is claimed on it, and whether it can be used."""

import dataclasses
import datetime
from typing import Any


@dataclasses.dataclass(frozen=True)
class Inventory:
    """What a host has. Memory in MB, disk in GB; `reserved_*` is never given to guests.

    A ratio of None leaves Placement's value alone; `initial_*` ratios apply when the provider is made.
    """

    vcpus: int
    memory_mb: int
    disk_gb: int
    reserved_vcpus: int = 0
    reserved_memory_mb: int = 0
    reserved_disk_gb: int = 0
    cpu_ratio: float | None = None
    memory_ratio: float | None = None
    disk_ratio: float | None = None
    initial_cpu_ratio: float = 16.0
    initial_memory_ratio: float = 1.5
    initial_disk_ratio: float = 1.0

    def effective_ratios(self) -> tuple[float, float, float]:
        return (
            self.cpu_ratio or self.initial_cpu_ratio,
            self.memory_ratio or self.initial_memory_ratio,
            self.disk_ratio or self.initial_disk_ratio,
        )


@dataclasses.dataclass(frozen=True)
class HostReport:
    """What a host tells about itself. At rest only `host`, `at` and whatever differs from its last report is sent."""

    host: str
    node: str
    # The compute node's id, also its resource provider in Placement; kept in a file on the host.
    node_id: str
    hypervisor_type: str
    hypervisor_version: int
    inventory: Inventory
    traits: tuple[str, ...] = ()
    host_ip: str | None = None
    cpu_info: dict[str, Any] = dataclasses.field(default_factory=dict)
    # (architecture, hypervisor type, vm mode) triples, e.g. ('x86_64', 'qemu', 'hvm').
    supported_instances: tuple[tuple[str, ...], ...] = ()
    uptime: str | None = None
    free_disk_gb: int | None = None
    free_memory_mb: int | None = None
    disk_available_least: int | None = None
    running_guests: int = 0
    started_at: datetime.datetime | None = None
    # Why the host cannot take new guests just now (e.g. libvirt is away), or None.
    trouble: str | None = None


@dataclasses.dataclass(frozen=True)
class Host:
    """A host as the control plane knows it: its last report, its service record, and the room claimed on it."""

    name: str
    node: str
    node_id: str
    cell_id: str
    inventory: Inventory
    hypervisor_type: str = 'QEMU'
    hypervisor_version: int = 0
    traits: tuple[str, ...] = ()
    supported_instances: tuple[tuple[str, ...], ...] = ()
    host_ip: str | None = None
    cpu_info: dict[str, Any] = dataclasses.field(default_factory=dict)
    uptime: str | None = None
    disk_available_least: int | None = None
    running_guests: int = 0
    claimed_vcpus: int = 0
    claimed_memory_mb: int = 0
    claimed_disk_gb: int = 0
    servers: int = 0
    enabled: bool = True
    disabled_reason: str | None = None
    forced_down: bool = False
    seen_at: datetime.datetime | None = None
    trouble: str | None = None
    availability_zone: str | None = None
    # Metadata of the aggregates that the host is in.
    aggregates: tuple[dict[str, str], ...] = ()
    # Unique in its cell, for the REST API before 2.53; and the record of its nova-compute.
    number: int | None = None
    service_id: int | None = None
    service_uuid: str | None = None

    def up(self, now: datetime.datetime, service_down_time: int) -> bool:
        if self.forced_down or self.seen_at is None:
            return False
        return (now - self.seen_at).total_seconds() <= service_down_time

    @property
    def free_vcpus(self) -> float:
        ratio = self.inventory.effective_ratios()[0]
        return (self.inventory.vcpus - self.inventory.reserved_vcpus) * ratio - self.claimed_vcpus

    @property
    def free_memory_mb(self) -> float:
        ratio = self.inventory.effective_ratios()[1]
        return (self.inventory.memory_mb - self.inventory.reserved_memory_mb) * ratio - self.claimed_memory_mb

    @property
    def free_disk_gb(self) -> float:
        ratio = self.inventory.effective_ratios()[2]
        return (self.inventory.disk_gb - self.inventory.reserved_disk_gb) * ratio - self.claimed_disk_gb


@dataclasses.dataclass(frozen=True)
class Service:
    """A daemon's record: where it runs, whether it is enabled, when it was last seen. `id` is unique in its cell."""

    id: int
    uuid: str
    host: str
    binary: str
    topic: str
    cell_id: str | None = None
    version: int = 0
    enabled: bool = True
    disabled_reason: str | None = None
    forced_down: bool = False
    seen_at: datetime.datetime | None = None
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    availability_zone: str | None = None
