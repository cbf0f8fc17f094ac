"""A host's report: what lasts is asked once, and what is wrong is said."""

import os

import pytest

from nova import errors
from nova.virt.libvirt import capabilities, inventory
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
        assert arch == 'x86_64'
        assert machine in ('pc', 'q35')
        return DOMAIN.format(supported='yes')

    def can_be(self, arch, virt_type, machine, cpu_xml):
        return 'Icelake' not in cpu_xml and 'amx-tile' not in cpu_xml

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
    monkeypatch.setattr(host, '_traits', lambda *_known: frozenset())
    assert 'virt_type = qemu' in host.report().trouble


def test_a_kind_of_guest_that_libvirt_lacks_is_trouble(make):
    assert 'cannot run guests of the type lxc' in make(virt_type='lxc').report().trouble


def test_traits_are_of_the_processor_that_guests_get(make, libvirt):
    assert 'HW_CPU_X86_AVX2' not in make(cpu_mode='none').report().traits
    models = {'Nehalem': 'sse4.2', 'Haswell': 'avx'}
    libvirt.expanded_cpu = lambda _arch, _type, _machine, cpu: next(
        f'<cpu><feature name="{feature}"/></cpu>' for name, feature in models.items() if name in cpu
    )
    found = make(cpu_mode='custom', cpu_models=('Nehalem', 'Haswell'), cpu_flags=('aes', '-avx')).report().traits
    assert {'HW_CPU_X86_SSE42', 'HW_CPU_X86_AESNI'} <= set(found)
    assert not {'HW_CPU_X86_AVX', 'HW_CPU_X86_AVX2'} & set(found)


@pytest.mark.parametrize(
    ('models', 'flags', 'says'),
    [
        (('Nehalem', 'Icelake-Server'), (), 'cannot have the processor Icelake-Server;'),
        (('Nehalem',), ('+amx-tile', '-aes'), 'cannot have the processor Nehalem with amx-tile;'),
        (('Nehalem',), ('aes',), None),
    ],
)
def test_models_that_the_host_cannot_run_are_trouble(make, monkeypatch, models, flags, says):
    monkeypatch.setattr(inventory, 'usable_virt_type', lambda _cpuinfo, _kvm_exists: 'kvm')
    monkeypatch.setattr(capabilities, 'supported_instances', lambda _text: (('x86_64', 'kvm', 'hvm'),))
    wanted = {'virt_type': 'kvm', 'cpu_mode': 'custom', 'cpu_models': models, 'cpu_flags': flags}
    trouble = make(**wanted).report().trouble
    assert says in trouble if says else trouble is None
    assert make(**wanted, compares_cpus=False).report().trouble is None


def test_files_for_memory_are_what_servers_may_have(make):
    report = make(file_backed_memory=4096).report()
    assert report.inventory.memory_mb == 4096
    assert 'COMPUTE_MEM_BACKING_FILE' in report.traits


def test_what_the_image_cache_takes_is_kept_from_servers(make, tmp_path):
    cache = tmp_path / '_base'
    assert make(reserved_directory=str(cache)).report().inventory.reserved_disk_gb == 0
    cache.mkdir()
    (cache / 'an-image').write_bytes(b'x' * 4096)
    assert make(reserved_directory=str(cache)).report().inventory.reserved_disk_gb == 1
    assert make().report().inventory.reserved_disk_gb == 0


def test_a_machine_type_that_qemu_does_not_have_is_named(make, libvirt):
    host = make()
    host.refuse_unknown_machine('x86_64', 'anything')
    known = "<machine canonical='pc-q35-7.2'>q35</machine><domain type='kvm'/>"
    libvirt.capabilities = lambda: HOST.replace("<domain type='kvm'/>", known)
    host = make()
    for machine in ('q35', 'pc-q35-7.2', None):
        host.refuse_unknown_machine('x86_64', machine)
    with pytest.raises(errors.HostFailed, match='has no machine type pc-q35-9.9'):
        host.refuse_unknown_machine('x86_64', 'pc-q35-9.9')
