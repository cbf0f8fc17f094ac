"""What /proc tells us is enough to end the right process, and only that."""

import os
import socket
import subprocess
import sys

from nova.standalone import processes


def sleeper():
    return subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])


def test_the_holder_of_a_port_is_found():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        inode = processes.listeners()[listener.getsockname()[1]]
        assert processes.holder_of(inode) == os.getpid()


def test_a_family_holds_children():
    with sleeper() as child:
        assert child.pid in processes.family(os.getpid())
        child.kill()


def test_family_of_a_given_table():
    assert processes.family(1, {1: 0, 2: 1, 3: 2, 4: 9}) == {1, 2, 3}


def test_only_the_process_that_was_meant_is_ended():
    with sleeper() as child:
        processes.end(child.pid, 'another birth', grace=0.1)
        assert child.poll() is None
        processes.end(child.pid, processes.birth(child.pid), grace=5)
        assert child.wait(5) != 0


def test_a_process_that_is_gone_has_no_birth():
    with sleeper() as child:
        assert processes.birth(child.pid)
        child.kill()
        child.wait()
    assert processes.birth(child.pid) is None


def test_memory_of_a_living_process():
    assert processes.memory_kib(os.getpid()) > 1000
