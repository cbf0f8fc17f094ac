"""What a hypervisor measures of a running guest."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Processor:
    """`time` in nanoseconds, `utilisation` in percent."""

    id: int
    time: int | None = None
    utilisation: int | None = None


@dataclasses.dataclass(frozen=True)
class DiskTraffic:
    name: str
    read_bytes: int | None = None
    read_requests: int | None = None
    write_bytes: int | None = None
    write_requests: int | None = None
    errors: int | None = None


@dataclasses.dataclass(frozen=True)
class Traffic:
    """One direction of an interface."""

    octets: int | None = None
    packets: int | None = None
    errors: int | None = None
    drops: int | None = None


@dataclasses.dataclass(frozen=True)
class InterfaceTraffic:
    name: str
    mac: str | None = None
    received: Traffic = Traffic()
    sent: Traffic = Traffic()


@dataclasses.dataclass(frozen=True)
class Diagnostics:
    """A guest just now; None is what the hypervisor does not tell. `memory` has each figure in KiB under its name."""

    driver: str
    hypervisor: str | None = None
    hypervisor_os: str | None = None
    processors: tuple[Processor, ...] = ()
    disks: tuple[DiskTraffic, ...] = ()
    interfaces: tuple[InterfaceTraffic, ...] = ()
    memory_maximum: int | None = None
    memory_used: int | None = None
    memory: dict[str, int] = dataclasses.field(default_factory=dict)
