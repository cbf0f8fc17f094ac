"""The supervisor runs what it is told, restarts what dies, and leaves nothing behind."""

import contextlib
import os
import signal
import sys
import time

import pytest

from nova.standalone import processes
from nova.standalone.daemon import BUS, CONTROL, Daemon
from nova.standalone.refusal import Refusal
from nova.standalone.supervision import Supervision
from nova.standalone.supervisor import LONGEST_PAUSE, STEADY, failures_in_a_row, pause_after

PATIENCE = 30


@pytest.fixture
def supervision(tmp_path):
    for folder in ('run', 'log'):
        (tmp_path / folder).mkdir()
    supervision = Supervision(tmp_path)
    yield supervision
    supervision.stop()


def sleeping(name, stage=CONTROL, **fields):
    return Daemon(name, (sys.executable, '-c', 'import time; time.sleep(600)'), stage, **fields)


def entry(supervision, name):
    return next((e for e in supervision.status() if e['name'] == name), None)


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, 'it did not come to pass'
        time.sleep(0.02)
    return found


def test_it_runs_what_it_is_told_once(supervision):
    supervision.start()
    assert supervision.ensure([sleeping('a')]) == ['a']
    pid = entry(supervision, 'a')['pid']
    assert supervision.ensure([sleeping('a')]) == []
    assert entry(supervision, 'a')['pid'] == pid


def test_starting_twice_gives_one_supervisor(supervision):
    supervision.start()
    first = supervision.pid()
    supervision.start()
    assert supervision.pid() == first


def test_a_daemon_that_would_run_differently_is_restarted(supervision, tmp_path):
    config = tmp_path / 'a.conf'
    config.write_text('one')
    supervision.start()
    supervision.ensure([sleeping('a', config_files=(str(config),))])
    pid = entry(supervision, 'a')['pid']
    config.write_text('two')
    assert supervision.ensure([sleeping('a', config_files=(str(config),))]) == ['a']
    assert entry(supervision, 'a')['pid'] != pid
    assert processes.birth(pid) is None


def test_a_daemon_that_dies_is_started_again(supervision):
    supervision.start()
    supervision.ensure([sleeping('a')])
    pid = entry(supervision, 'a')['pid']
    os.kill(pid, signal.SIGKILL)
    again = wait_until(lambda: (e := entry(supervision, 'a'))['pid'] not in (pid, None) and e)
    assert again['failures'] == 1
    assert again['last_exit'] == -signal.SIGKILL


def test_pauses_between_starts_grow_and_end():
    pauses = [pause_after(failures) for failures in range(1, 12)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 1
    assert pauses[-1] == LONGEST_PAUSE


def test_only_a_daemon_that_dies_soon_is_kept_waiting_longer_and_longer():
    assert [failures_in_a_row(before, ran=1) for before in (0, 1, 7)] == [1, 2, 8]
    assert failures_in_a_row(7, ran=STEADY + 1) == 1


def test_a_program_that_is_missing_is_told_in_the_log(supervision, tmp_path):
    supervision.start()
    supervision.ensure([Daemon('a', ('/no/such/program',), CONTROL)])
    assert entry(supervision, 'a')['state'] == 'waiting'
    assert '/no/such/program' in (tmp_path / 'log' / 'a.log').read_text()


def test_later_stages_stop_first(supervision, tmp_path):
    notes = tmp_path / 'notes'
    code = (
        'import signal, sys, time\n'
        'def end(*_):\n'
        '    open(sys.argv[1], "a").write(sys.argv[2] + "\\n"); sys.exit()\n'
        'signal.signal(signal.SIGTERM, end)\n'
        'open(sys.argv[3], "w")\n'
        'time.sleep(600)'
    )

    def noting(name, stage):
        return Daemon(name, (sys.executable, '-c', code, str(notes), name, str(tmp_path / f'{name}.up')), stage)

    supervision.start()
    supervision.ensure([noting('bus', BUS), noting('control', CONTROL)])
    wait_until(lambda: (tmp_path / 'bus.up').exists() and (tmp_path / 'control.up').exists())
    supervision.stop()
    assert notes.read_text().split() == ['control', 'bus']


def test_what_daemons_left_behind_ends_with_the_supervisor(supervision, tmp_path):
    # As QEMU does: the child of a daemon that goes into a session of its own, and outlives its parent.
    note = tmp_path / 'orphan'
    code = (
        'import subprocess, sys, time\n'
        'child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)\n'
        'open(sys.argv[1] + ".new", "w").write(str(child.pid))\n'
        'import os; os.rename(sys.argv[1] + ".new", sys.argv[1])\n'
        'time.sleep(600)'
    )
    supervision.start()
    supervision.ensure([Daemon('a', (sys.executable, '-c', code, str(note)), CONTROL)])
    wait_until(note.exists)
    orphan = int(note.read_text())
    supervision.stop()
    assert processes.birth(orphan) is None


def test_workers_of_a_daemon_that_dies_end_with_it_and_what_left_its_session_lives(supervision, tmp_path):
    note = tmp_path / 'pids'
    code = (
        'import os, subprocess, sys, time\n'
        'nap = [sys.executable, "-c", "import time; time.sleep(600)"]\n'
        'worker, guest = subprocess.Popen(nap), subprocess.Popen(nap, start_new_session=True)\n'
        'open(sys.argv[1] + ".new", "w").write(f"{worker.pid} {guest.pid}")\n'
        'os.path.exists(sys.argv[1]) or os.rename(sys.argv[1] + ".new", sys.argv[1])\n'
        'time.sleep(600)'
    )
    supervision.start()
    supervision.ensure([Daemon('a', (sys.executable, '-c', code, str(note)), CONTROL)])
    wait_until(note.exists)
    worker, guest = map(int, note.read_text().split())
    master = entry(supervision, 'a')['pid']
    os.kill(master, signal.SIGKILL)
    wait_until(lambda: entry(supervision, 'a')['pid'] not in (None, master))
    wait_until(lambda: processes.birth(worker) is None)
    assert processes.birth(guest) is not None


def test_a_new_supervisor_ends_what_a_killed_one_left(supervision):
    supervision.start()
    supervision.ensure([sleeping('a')])
    child = entry(supervision, 'a')['pid']
    os.kill(supervision.pid(), signal.SIGKILL)
    wait_until(lambda: supervision.pid() is None)
    assert processes.birth(child), 'the daemons go on while there is no supervisor'
    supervision.start()
    assert processes.birth(child) is None
    assert supervision.status() == []


def test_a_daemon_is_taken_away(supervision):
    supervision.start()
    supervision.ensure([sleeping('a'), sleeping('b')])
    supervision.remove(['a', 'unknown'])
    assert [e['name'] for e in supervision.status()] == ['b']


def test_an_unknown_verb_is_refused(supervision):
    supervision.start()
    with pytest.raises(Refusal, match='does not know'):
        supervision._ask('dance')


def test_nonsense_on_its_socket_does_not_end_it(supervision):
    import socket

    supervision.start()
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
        connection.connect(supervision._socket_address())
        connection.sendall(b'not json\n')
        connection.recv(10)
    with pytest.raises(Refusal, match='did not understand'):
        supervision._ask('ensure', daemons=[{'name': 'a'}])
    assert supervision.status() == []


def test_stopping_what_does_not_run_says_so(supervision):
    assert supervision.stop() is False
