"""Figures of guests, from what libvirt answers; and from libvirt's own driver for tests."""

from nova.domain.diagnostics import DiskTraffic, InterfaceTraffic, Processor, Traffic
from nova.virt.libvirt.diagnostics import of_domain

XML = """<domain><devices>
  <interface type='bridge'><mac address='fa:16:3e:00:00:01'/><target dev='tap1'/></interface>
  <interface type='bridge'><mac address='fa:16:3e:00:00:02'/></interface>
</devices></domain>"""
STATISTICS = {
    'balloon.current': 524288, 'balloon.maximum': 1048576, 'balloon.available': 500000, 'balloon.unused': 300000,
    'balloon.rss': 200000, 'balloon.major_fault': 7, 'balloon.last-update': 1700000000,
    'vcpu.current': 1, 'vcpu.maximum': 2, 'vcpu.0.state': 1, 'vcpu.0.time': 17300000000,
    'net.count': 1, 'net.0.name': 'tap1', 'net.0.rx.bytes': 10, 'net.0.rx.pkts': 1, 'net.0.rx.errs': 2,
    'net.0.rx.drop': 3, 'net.0.tx.bytes': 20, 'net.0.tx.pkts': 4, 'net.0.tx.errs': 5, 'net.0.tx.drop': 6,
    'block.count': 2, 'block.0.name': 'vda', 'block.0.rd.reqs': 11, 'block.0.rd.bytes': 12, 'block.0.wr.reqs': 13,
    'block.0.wr.bytes': 14, 'block.1.name': 'sda',
}  # fmt: skip


def test_each_figure_finds_its_place():
    found = of_domain(STATISTICS, XML, 'kvm', 'linux')
    assert (found.driver, found.hypervisor, found.hypervisor_os) == ('libvirt', 'kvm', 'linux')
    assert found.processors == (Processor(0, 17300000000),), 'the second is not plugged in'
    assert found.disks == (DiskTraffic('vda', 12, 11, 14, 13), DiskTraffic('sda'))
    assert found.interfaces == (
        InterfaceTraffic('tap1', 'fa:16:3e:00:00:01', Traffic(10, 1, 2, 3), Traffic(20, 4, 5, 6)),
    )
    assert (found.memory_maximum, found.memory_used) == (1048576, 200000)
    assert set(found.memory) == {'current', 'maximum', 'available', 'unused', 'rss'}


def test_a_guest_without_a_balloon_does_not_tell_what_it_uses():
    found = of_domain({'balloon.maximum': 1024}, '<domain/>', 'qemu', 'linux')
    assert (found.memory_maximum, found.memory_used) == (1024, None)
    assert (found.processors, found.disks, found.interfaces) == ((), (), ())
