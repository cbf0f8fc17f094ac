"""What is in the way is named in one sentence, with its holder and the way out."""

import os
import socket

import pytest

from nova.standalone import preflight
from nova.standalone.layout import PORTS, Layout
from nova.standalone.parts.part import Part
from nova.standalone.refusal import Refusal
from nova.standalone.secrets import Secrets


class SomePart(Part):
    name = 'keystone'
    title = 'Some part'
    ports = ('keystone',)
    programs = {'sh': 'dash'}

    def configure(self):
        pass

    def daemons(self):
        return []


@pytest.fixture
def held_port():
    """A port that some offset moves Keystone's to."""
    with socket.socket() as listener:
        for port in range(PORTS['keystone'] + 20000, PORTS['keystone'] + 30000):
            try:
                listener.bind(('127.0.0.1', port))
            except OSError:
                continue
            listener.listen()
            yield port
            return


def cloud_whose_keystone_wants(port, tmp_path):
    layout = Layout(tmp_path, port_offset=port - PORTS['keystone'], driver='fake')
    return layout, [SomePart(layout, Secrets(tmp_path))]


def test_a_port_in_use_is_named_with_its_holder(held_port, tmp_path):
    layout, parts = cloud_whose_keystone_wants(held_port, tmp_path)
    with pytest.raises(Refusal) as refusal:
        preflight.check_ports(layout, parts, our_processes=set())
    sentence = str(refusal.value)
    assert f'Port {held_port}, which keystone needs' in sentence
    assert f'(process {os.getpid()})' in sentence
    assert '--port-offset' in sentence


def test_a_port_that_our_own_daemon_holds_is_fine(held_port, tmp_path):
    layout, parts = cloud_whose_keystone_wants(held_port, tmp_path)
    preflight.check_ports(layout, parts, our_processes={os.getpid()})


def test_the_offset_proposed_is_free(tmp_path):
    layout = Layout(tmp_path, driver='fake')
    listening = {PORTS['glance'] + 1000: 'inode'}
    assert preflight.free_offset(layout, listening) == 2000


def test_a_missing_program_is_named_with_its_package(tmp_path):
    layout = Layout(tmp_path, driver='fake', neighbours=tmp_path)
    part = SomePart(layout, Secrets(tmp_path))
    part.programs = {'no-such-program': 'its-package'}
    with pytest.raises(Refusal, match=r'Missing: no-such-program.*apt-get install.* its-package'):
        preflight.check_programs(layout, [part])


def test_missing_neighbours_are_named(tmp_path):
    layout = Layout(tmp_path, driver='fake', neighbours=tmp_path / 'nowhere')
    with pytest.raises(Refusal, match=r'keystone-manage is missing.*--neighbours'):
        preflight.check_programs(layout, [SomePart(layout, Secrets(tmp_path))])


def test_every_compute_wants_a_health_port(tmp_path):
    layout = Layout(tmp_path, driver='fake', computes=3)
    wanted = preflight.wanted_ports(layout, [])
    assert sorted(wanted) == [PORTS['nova-compute-health'] + number for number in range(3)]


def test_memory_is_read_from_the_kernel(tmp_path):
    meminfo = tmp_path / 'meminfo'
    meminfo.write_text('MemTotal:       24683520 kB\nMemAvailable:    2097152 kB\n')
    assert preflight.available_memory_mib(meminfo) == 2048
