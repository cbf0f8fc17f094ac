"""What an operator decides for all guests of a host, on real ones: where their memory is, what their boards have."""

from xml.etree import ElementTree

import pytest

from nova import errors
from nova.domain.lifecycle import Power
from tests.integration.real_guests import NEEDS_A_HOST, a_guest

pytestmark = NEEDS_A_HOST


@pytest.fixture
def started(driver_with, image, host):
    """Starts a guest under options of the host's; the domain that it became."""
    made = []

    def start(properties=None, **options):
        driver, guest = driver_with(**options), a_guest(len(made) + 1, **(properties or {}))
        made.append((driver, guest))
        assert driver.ensure(guest, image, None) is Power.RUNNING
        return ElementTree.fromstring(host.virsh('dumpxml', guest.name))

    yield start
    for driver, guest in made:
        driver.remove(guest.id, guest.name)


def test_memory_may_be_in_files(started, driver_with):
    domain = started(file_backed_memory=1024)
    assert domain.find("memoryBacking/source[@type='file']") is not None
    assert domain.find('memoryBacking/discard') is not None
    assert driver_with(file_backed_memory=1024).report().inventory.memory_mb == 1024


def test_the_processor_is_the_hosts_model_where_nobody_chooses(started):
    cpu = started().find('cpu')
    assert cpu.get('mode') == 'custom', 'libvirt has written out what the model is here'
    assert cpu.findtext('model')


@pytest.mark.parametrize('machine', ['pc', 'q35'])
def test_a_board_without_apic_and_a_card_of_the_hypervisors_choice(started, machine):
    domain = started({'hw_machine_type': machine}, apic=False, nic_model=None)
    assert domain.find('features/apic') is None
    assert domain.find('devices/interface/model').get('type') != 'virtio'


def test_a_machine_that_qemu_does_not_have_fails_the_host_with_its_name(started):
    with pytest.raises(errors.HostFailed, match='no machine type pc-q35-99 for x86_64'):
        started({'hw_machine_type': 'pc-q35-99'})


def test_only_what_the_processor_of_guests_has_is_offered(driver_with):
    assert 'HW_CPU_X86_AVX' not in driver_with(cpu_mode='none').report().traits
    report = driver_with(cpu_mode='custom', cpu_models=('Nehalem',), cpu_flags=('-sse4.2',)).report()
    assert report.trouble is None
    assert 'HW_CPU_X86_SSE41' in report.traits
    assert not {'HW_CPU_X86_AVX', 'HW_CPU_X86_SSE42'} & set(report.traits)
