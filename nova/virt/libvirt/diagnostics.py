"""Read what libvirt counts of a running domain."""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from nova.domain.diagnostics import Diagnostics, DiskTraffic, InterfaceTraffic, Processor, Traffic

DRIVER = 'libvirt'
_OF_BALLOON = 'balloon.'
# Figures of the balloon that are no amounts of memory.
_NO_AMOUNTS = frozenset({'major_fault', 'minor_fault', 'last-update', 'hugetlb_pgalloc', 'hugetlb_pgfail'})


def of_domain(statistics: Mapping[str, Any], xml: str, virt_type: str, host_system: str) -> Diagnostics:
    """The figures of one domain, as libvirt's statistics and its live description tell them."""
    macs = _macs(xml)
    balloon = {
        name.removeprefix(_OF_BALLOON): value
        for name, value in statistics.items()
        if name.startswith(_OF_BALLOON) and name.removeprefix(_OF_BALLOON) not in _NO_AMOUNTS
    }
    available, unused = balloon.get('available'), balloon.get('unused')
    return Diagnostics(
        driver=DRIVER,
        hypervisor=virt_type,
        hypervisor_os=host_system,
        processors=tuple(
            # A processor that is not plugged in is not counted.
            Processor(number, statistics[f'vcpu.{number}.time'])
            for number in range(statistics.get('vcpu.maximum', 0))
            if f'vcpu.{number}.time' in statistics
        ),
        disks=tuple(_disk(statistics, f'block.{number}') for number in range(statistics.get('block.count', 0))),
        interfaces=tuple(
            _interface(statistics, f'net.{number}', macs) for number in range(statistics.get('net.count', 0))
        ),
        memory_maximum=balloon.get('maximum'),
        # Only a guest that runs a balloon driver tells how much it uses.
        memory_used=available - unused if available is not None and unused is not None else None,
        memory=balloon,
    )


def _disk(statistics: Mapping[str, Any], prefix: str) -> DiskTraffic:
    return DiskTraffic(
        name=statistics.get(f'{prefix}.name', ''),
        read_bytes=statistics.get(f'{prefix}.rd.bytes'),
        read_requests=statistics.get(f'{prefix}.rd.reqs'),
        write_bytes=statistics.get(f'{prefix}.wr.bytes'),
        write_requests=statistics.get(f'{prefix}.wr.reqs'),
        errors=statistics.get(f'{prefix}.errors'),
    )


def _interface(statistics: Mapping[str, Any], prefix: str, macs: Mapping[str, str]) -> InterfaceTraffic:
    name = statistics.get(f'{prefix}.name', '')
    return InterfaceTraffic(
        name, macs.get(name), _traffic(statistics, f'{prefix}.rx'), _traffic(statistics, f'{prefix}.tx')
    )


def _traffic(statistics: Mapping[str, Any], prefix: str) -> Traffic:
    return Traffic(*(statistics.get(f'{prefix}.{kind}') for kind in ('bytes', 'pkts', 'errs', 'drop')))


def _macs(xml: str) -> dict[str, str]:
    found = {}
    for interface in ElementTree.fromstring(xml).iterfind('devices/interface'):
        target, mac = interface.find('target'), interface.find('mac')
        if target is not None and mac is not None:
            found[target.get('dev', '')] = mac.get('address', '')
    return found
