import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import interpreter

# Without its site-packages this Python is as bare as that of a system.
BARE = [sys.executable, '-S']


@pytest.fixture
def clone(tmp_path):
    """A clone with one tool, in which nothing has been installed yet."""
    (tmp_path / 'tools').mkdir()
    shutil.copy(interpreter.__file__, tmp_path / 'tools')
    tool = tmp_path / 'tools' / 'count'
    tool.write_text(
        f'import sys; sys.path.insert(0, {str(tmp_path)!r})\n'
        'from tools import interpreter; interpreter.ensure("more")\nprint("counted")\n'
    )
    return tmp_path


def run(clone, *arguments):
    return subprocess.run([*BARE, clone / 'tools' / 'count', *arguments], capture_output=True, text=True)


def test_a_tool_without_its_packages_says_what_to_do(clone):
    done = run(clone)
    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    assert 'more' in done.stderr
    assert 'tools/up' in done.stderr


def test_a_tool_is_run_by_the_clones_own_python(clone):
    python = clone / '.venv' / 'bin' / 'python'
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho own "$@"\n')
    python.chmod(0o755)
    assert run(clone, '--all').stdout.split() == ['own', '-S', str(clone / 'tools' / 'count'), '--all']


def test_a_tool_with_its_packages_goes_on(monkeypatch):
    began = []
    monkeypatch.setattr('nova.cmd.threads.native', lambda: began.append('native'))
    interpreter.ensure('pytest')
    assert began == ['native']


def test_every_tool_is_to_be_started_by_its_name():
    tools = Path(interpreter.__file__).parent
    for tool in [*tools.glob('*'), *tools.glob('bench/*')]:
        if tool.is_file() and tool.read_bytes().startswith(b'#!') and b'python3' in tool.read_bytes().splitlines()[0]:
            assert tool.stat().st_mode & 0o111, f'{tool} is not executable.'
