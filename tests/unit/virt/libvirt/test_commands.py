"""Programs are run within limits, and their failures are told."""

import sys

import pytest

from nova import errors
from nova.virt.libvirt import commands


def test_the_output_is_given():
    assert commands.run(['echo', 'a b', '$HOME;']) == 'a b $HOME;\n'


def test_the_last_line_of_a_failure_is_told():
    with pytest.raises(errors.HostFailed, match='sh failed: second'):
        commands.run(['sh', '-c', 'echo first >&2; echo second >&2; exit 3'])


def test_memory_is_limited():
    greedy = [sys.executable, '-c', 'print(len(bytearray(3 << 30)))']
    with pytest.raises(errors.HostFailed, match='MemoryError'):
        commands.run(greedy, memory_gb=1)


def test_processor_time_is_limited():
    with pytest.raises(errors.HostFailed, match='limit of time'):
        commands.run([sys.executable, '-c', 'while True: pass'], cpu_seconds=1)
