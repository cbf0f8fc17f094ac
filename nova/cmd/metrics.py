"""Keep the counters that the processes of a daemon share, in files."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

VARIABLE = 'PROMETHEUS_MULTIPROC_DIR'


@contextlib.contextmanager
def shared(prog: str) -> Iterator[None]:
    """This process and those that it forks have their counters together, in files that are gone with it.

    What a daemon of the same name that was killed has left is removed, too.
    """
    _remove_what_nobody_uses(prog)
    directory, pid = _new_directory(prog), os.getpid()
    # Read by prometheus_client while it is imported.
    os.environ[VARIABLE] = directory
    try:
        yield
    finally:
        # Workers end here, too, while the others go on counting.
        if os.getpid() == pid:
            shutil.rmtree(directory, ignore_errors=True)


def _new_directory(prog: str) -> str:
    """One that is locked as long as this process or one that it forked lives: the file stays open for that."""
    while True:
        directory = tempfile.mkdtemp(prefix=_prefix(prog))
        held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(held, fcntl.LOCK_SH)
        # Another daemon that has just started may have taken it for one that nobody uses.
        if os.path.exists(directory):
            return directory
        os.close(held)


def _remove_what_nobody_uses(prog: str) -> None:
    for directory in Path(tempfile.gettempdir()).glob(f'{_prefix(prog)}*'):
        # What is locked, or somebody else's, stays.
        with contextlib.suppress(OSError):
            held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(held).st_uid == os.geteuid():
                    shutil.rmtree(directory)
            finally:
                os.close(held)


def _prefix(prog: str) -> str:
    return f'{prog}-metrics-'
