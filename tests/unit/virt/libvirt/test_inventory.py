"""A host's report: what lasts is asked once, and what is wrong is said."""

import os

import pytest

from nova import errors
from nova.virt.libvirt import inventory
from nova.virt.libvirt.inventory import HostInventory
from nova.virt.libvirt.storage import Storage
from tests.unit.virt.libvirt.samples import some_settings
from tests.unit.virt.libvirt.test_capabilities import DOMAIN, HOST


class FakeConnection:
    """A libvirt of which the answers are known, and counted."""

    def __init__(self):
        self.link = self
        self.generation = 1
        self.away = None
        self.asked = []

    def trouble(self):
        return self.away

    def running(self):
        if self.away:
            raise errors.HostAway(self.away)
        return 3

    def version(self):
        return 7002022

    def capabilities(self):
        self.asked.append(self.generation)
        return HOST

    def domain_capabilities(self, arch, virt_type, machine):
        assert (arch, virt_type) == ('x86_64', 'qemu')
        assert machine in ('pc', 'q35')
        return DOMAIN.format(supported='yes')

    def expanded_cpu(self, arch, virt_type, machine, cpu_xml):
        return cpu_xml.replace('</cpu>', '<feature name="sse2" policy="require"/></cpu>')


@pytest.fixture
def libvirt():
    return FakeConnection()


@pytest.fixture
def make(tmp_path, libvirt):
    def build(**settings):
        chosen = some_settings(instances_path=str(tmp_path / 'instances'), **settings)
        return HostInventory(chosen, libvirt, Storage(chosen))

    return build


def test_a_report_tells_what_the_host_has(make):
    report = make().report()
    assert (report.host, report.hypervisor_type, report.hypervisor_version) == ('h1', 'QEMU', 7002022)
    assert report.inventory.vcpus == os.cpu_count()
    assert report.inventory.memory_mb > report.free_memory_mb > 0
    assert report.inventory.disk_gb >= report.free_disk_gb >= report.disk_available_least
    assert (report.running_guests, report.cpu_info['model'], report.trouble) == (3, 'EPYC', None)
    assert ('x86_64', 'qemu', 'hvm') in report.supported_instances
    assert {'HW_CPU_X86_AVX2', 'HW_CPU_X86_SSE2', 'COMPUTE_NODE'} <= set(report.traits)
    assert 'HW_CPU_X86_SVM' not in report.traits
    assert 'load average' in report.uptime


@pytest.mark.parametrize(('loaders', 'has'), [('yes', True), ('no', False)])
def test_secure_boot_is_there_where_a_firmware_has_it(make, libvirt, loaders, has):
    offered = DOMAIN.format(supported='yes').replace('<value>yes</value><value>no</value>', f'<value>{loaders}</value>')
    libvirt.domain_capabilities = lambda *_question: offered
    assert make().has_secure_boot() is has


def test_what_lasts_is_asked_once_for_each_connection(make, libvirt):
    host = make()
    for _time in range(3):
        host.report()
    libvirt.generation = 2
    host.report()
    assert libvirt.asked == [1, 2]


def test_a_libvirt_that_is_away_leaves_what_is_known(make, libvirt):
    host = make()
    before = host.report()
    libvirt.away = 'libvirt is away.'
    after = host.report()
    assert after.trouble == 'libvirt is away.'
    assert (after.traits, after.hypervisor_version, after.running_guests) == (before.traits, 7002022, 0)
    libvirt.away = None
    assert host.report().trouble is None


def test_shared_processors_are_the_ones_that_count(make):
    assert make(shared_cpus=frozenset({0, 2, 3})).report().inventory.vcpus == 3


def test_kvm_on_a_processor_that_cannot_is_trouble(make, monkeypatch):
    monkeypatch.setattr(inventory, 'usable_virt_type', lambda _cpuinfo, _kvm_exists: 'qemu')
    host = make(virt_type='kvm')
    monkeypatch.setattr(host, '_traits', lambda _processor: frozenset())
    assert 'virt_type = qemu' in host.report().trouble


def test_a_kind_of_guest_that_libvirt_lacks_is_trouble(make):
    assert 'cannot run guests of the type lxc' in make(virt_type='lxc').report().trouble
