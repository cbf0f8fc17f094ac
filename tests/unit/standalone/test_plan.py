"""Tasks run as soon as what they need is done, and stop after a failure."""

import io
import threading

import pytest

from nova.standalone.plan import Task, carry_out
from nova.standalone.progress import Progress


def run(*tasks):
    output = io.StringIO()
    with Progress(len(tasks), output) as progress:
        carry_out(tasks, progress)
    return output.getvalue()


def test_a_task_waits_for_what_it_needs():
    done = []
    run(
        Task('c', 'C', lambda: done.append('c'), needs=('a', 'b')),
        Task('b', 'B', lambda: done.append('b'), needs=('a',)),
        Task('a', 'A', lambda: done.append('a')),
    )
    assert done == ['a', 'b', 'c']


def test_tasks_without_needs_run_at_once():
    meeting = threading.Barrier(2, timeout=10)
    run(Task('a', 'A', meeting.wait), Task('b', 'B', meeting.wait))


def test_a_need_outside_the_plan_counts_as_met():
    done = []
    run(Task('a', 'A', lambda: done.append('a'), needs=('libvirt:start',)))
    assert done == ['a']


def test_nothing_new_begins_after_a_failure():
    done = []

    def fail():
        raise RuntimeError('no')

    with pytest.raises(RuntimeError, match='no'):
        run(Task('a', 'A', fail), Task('b', 'B', lambda: done.append('b'), needs=('a',)))
    assert done == []


def test_a_circle_is_a_bug():
    with pytest.raises(ValueError, match='need one another'):
        run(Task('a', 'A', print, needs=('b',)), Task('b', 'B', print, needs=('a',)))


def test_each_step_is_shown_with_its_outcome():
    assert 'ok     Keystone: start' in run(Task('k', 'Keystone: start', lambda: None))


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_names_what_runs_and_how_far_it_is():
    now = [0.0]
    progress = Progress(4, Terminal(), clock=lambda: now[0])
    progress.done = 1
    with progress.step('Glance: prepare'):
        now[0] = 3.0
        assert progress.bar() == '  [######------------------] 1/4    3.0 s  Glance: prepare'
