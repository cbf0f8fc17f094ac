"""Say in one sentence what stands in a cloud's way, before anything is changed."""

import dataclasses
import importlib.util
import os
import shutil
from pathlib import Path

from nova.standalone import processes
from nova.standalone.layout import PORTS, Layout
from nova.standalone.parts.part import Part
from nova.standalone.refusal import Refusal

MEMORY_MIB = {'libvirt': 2048, 'fake': 1536}
MEMORY_PER_FAKE_COMPUTE_MIB = 70
OUR_PROGRAMS = ('nova-manage', 'nova-api', 'nova-scheduler', 'nova-conductor', 'nova-compute', 'nova-novncproxy')
NEIGHBOUR_PROGRAMS = {
    'keystone': ('keystone-manage', 'gunicorn'),
    'glance': ('glance-manage', 'gunicorn'),
    'placement': ('placement-manage', 'gunicorn'),
    'barbican': ('barbican-db-manage', 'gunicorn'),
}


@dataclasses.dataclass(frozen=True)
class PortHolder:
    pid: int | None
    name: str = ''

    def __str__(self) -> str:
        return f'{self.name} (process {self.pid})' if self.pid else 'a process of another user'


def check(layout: Layout, parts: list[Part], our_processes: set[int]) -> None:
    """Raise on the first thing that is missing or in the way."""
    check_rights(layout)
    check_programs(layout, parts)
    check_ports(layout, parts, our_processes)
    if not our_processes:
        check_memory(layout)


def check_rights(layout: Layout) -> None:
    if layout.has('libvirt') and os.geteuid() != 0:
        raise Refusal(
            'Real guests need root, for their network devices: run this as root, or have simulated guests '
            'with --driver fake.'
        )
    parent = next(path for path in (layout.state_dir, *layout.state_dir.parents) if path.exists())
    if not os.access(parent, os.W_OK):
        raise Refusal(f'You may not write to {parent}: name a folder of yours with --state-dir.')


def check_programs(layout: Layout, parts: list[Part]) -> None:
    search = os.environ.get('PATH', '') + ':/usr/local/sbin:/usr/sbin:/sbin'
    missing = {
        package: program
        for part in parts
        for program, package in part.programs.items()
        if not shutil.which(program, path=search)
    }
    if missing:
        packages = ' '.join(sorted(missing))
        raise Refusal(
            f'Missing: {", ".join(sorted(missing.values()))}. As root, `tools/up` installs what is needed, '
            f'or `apt-get install --no-install-recommends {packages}`.'
        )
    for part in parts:
        for program in NEIGHBOUR_PROGRAMS.get(part.name, ()):
            if not Path(layout.neighbour_program(program)).exists():
                raise Refusal(
                    f'{layout.neighbour_program(program)} is missing: `tools/up` makes this environment, '
                    'or name another one that has Keystone, Glance and Placement with --neighbours.'
                )
    if layout.has('nova'):
        _check_our_programs(layout)


def _check_our_programs(layout: Layout) -> None:
    for program in OUR_PROGRAMS:
        if not Path(layout.our_program(program)).exists():
            raise Refusal(f'{layout.our_program(program)} is missing: `tools/up` installs our own programs.')
    if layout.has('libvirt') and importlib.util.find_spec('libvirt') is None:
        raise Refusal('The Python package libvirt-python is missing from our environment; `tools/up` installs it.')
    if layout.has('barbican') and importlib.util.find_spec('castellan') is None:
        raise Refusal('The Python package castellan is missing from our environment; `tools/up` installs it.')


def wanted_ports(layout: Layout, parts: list[Part]) -> dict[int, str]:
    wanted = {layout.port(name): name for part in parts for name in part.ports}
    if layout.has('nova'):
        for number in range(layout.computes):
            wanted[layout.compute_health_port(number)] = 'nova-compute-health'
    return wanted


def check_ports(layout: Layout, parts: list[Part], our_processes: set[int]) -> None:
    listening = processes.listeners()
    for port, name in wanted_ports(layout, parts).items():
        if port not in listening:
            continue
        pid = processes.holder_of(listening[port])
        if pid in our_processes:
            continue
        holder = PortHolder(pid, processes.name(pid) if pid else '')
        raise Refusal(
            f'Port {port}, which {name} needs, is held by {holder}: end that process, '
            f'or give this cloud other ports with --port-offset {free_offset(layout, listening)}.'
        )


def free_offset(layout: Layout, listening) -> int:
    """The next round offset under which none of our ports is taken."""
    for offset in range(1000, 21000, 1000):
        if offset != layout.port_offset and not any(port + offset in listening for port in PORTS.values()):
            return offset
    return layout.port_offset + 1


def available_memory_mib(meminfo: Path = Path('/proc/meminfo')) -> int:
    for line in meminfo.read_text().splitlines():
        if line.startswith('MemAvailable:'):
            return int(line.split()[1]) // 1024
    return 0


def check_memory(layout: Layout) -> None:
    wanted = MEMORY_MIB[layout.driver]
    if layout.driver == 'fake':
        wanted += MEMORY_PER_FAKE_COMPUTE_MIB * (layout.computes - 1)
    available = available_memory_mib()
    if available < wanted:
        raise Refusal(
            f'This cloud needs {wanted} MiB of memory and {available} MiB are available: end what uses memory, '
            'or ask for fewer --computes.'
        )
