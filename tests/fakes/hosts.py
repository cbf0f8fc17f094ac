"""Hosts and requests for tests of the scheduler."""

import datetime
from typing import Any

from nova.domain.host import Host, Inventory
from nova.domain.request import PlacementRequest

NOW = datetime.datetime(2026, 1, 1, 12, 0, 0, tzinfo=datetime.UTC)


def a_host(name: str = 'host', vcpus: int = 16, memory_mb: int = 16384, disk_gb: int = 100, **fields: Any) -> Host:
    ratios = {'initial_cpu_ratio': 1.0, 'initial_memory_ratio': 1.0, 'initial_disk_ratio': 1.0}
    values = {
        'node': name,
        'node_id': f'{name}-id',
        'cell_id': 'cell',
        'inventory': Inventory(vcpus, memory_mb, disk_gb, **ratios),
        'seen_at': NOW,
        'supported_instances': (('x86_64', 'kvm', 'hvm'), ('i686', 'kvm', 'hvm')),
    }
    return Host(name, **{**values, **fields})


def a_request(server_id: str = 'server', **fields: Any) -> PlacementRequest:
    resources = fields.pop('resources', {'VCPU': 1, 'MEMORY_MB': 1024, 'DISK_GB': 10})
    return PlacementRequest(server_id, 'project', 'user', resources, **fields)


class HostSource:
    """Where the scheduler reads hosts: a table that tests fill."""

    def __init__(self, *hosts: Host):
        self.hosts = {host.node_id: host for host in hosts}
        self.silent: list[str] = []
        self.news: list[Host] = []
        self.reads = 0

    def all(self) -> tuple[list[Host], list[str]]:
        self.reads += 1
        return [host for host in self.hosts.values() if host.cell_id not in self.silent], self.silent

    def changed(self) -> list[Host]:
        news, self.news = self.news, []
        return news
