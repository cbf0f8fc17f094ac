"""What /proc tells of processes: who they are, what they use, which ports they hold."""

import contextlib
import os
import signal
import time
from pathlib import Path

PROC = Path('/proc')
LISTENING = '0A'


def _stat(pid: int) -> list[str] | None:
    try:
        text = (PROC / str(pid) / 'stat').read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in parentheses and may hold anything; the numbers follow the last one.
    return text.rpartition(')')[2].split()


def birth(pid: int) -> str | None:
    """The kernel's start time of a process: with the number it names one process for ever; None if it is gone."""
    fields = _stat(pid)
    return None if fields is None or fields[0] in 'ZX' else fields[19]


def command_line(pid: int) -> str:
    try:
        return (PROC / str(pid) / 'cmdline').read_bytes().replace(b'\0', b' ').decode(errors='replace').strip()
    except OSError:
        return ''


def name(pid: int) -> str:
    try:
        return (PROC / str(pid) / 'comm').read_text().strip()
    except OSError:
        return 'a process'


def all_pids() -> list[int]:
    return [int(entry) for entry in os.listdir(PROC) if entry.isdigit()]


def parents() -> dict[int, int]:
    found = {}
    for pid in all_pids():
        if fields := _stat(pid):
            found[pid] = int(fields[1])
    return found


def family(pid: int, parent_of: dict[int, int] | None = None) -> set[int]:
    """The process and all that descend from it."""
    parent_of = parents() if parent_of is None else parent_of
    children = {}
    for child, parent in parent_of.items():
        children.setdefault(parent, []).append(child)
    found, waiting = set(), [pid]
    while waiting:
        current = waiting.pop()
        found.add(current)
        waiting += [child for child in children.get(current, ()) if child not in found]
    return found


def memory_kib(pid: int) -> int:
    """Proportional set size: shared pages are counted in part, so the sum over processes is true."""
    try:
        for line in (PROC / str(pid) / 'smaps_rollup').read_text().splitlines():
            if line.startswith('Pss:'):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def listeners() -> dict[int, str]:
    """Port -> inode of the socket that listens on it."""
    found = {}
    for table in ('net/tcp', 'net/tcp6'):
        with contextlib.suppress(FileNotFoundError):
            for line in (PROC / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING:
                    found[int(fields[1].rpartition(':')[2], 16)] = fields[9]
    return found


def holder_of(inode: str) -> int | None:
    """The process with this socket, if we may see it."""
    wanted = f'socket:[{inode}]'
    for pid in all_pids():
        try:
            for descriptor in os.scandir(PROC / str(pid) / 'fd'):
                with contextlib.suppress(OSError):
                    if os.readlink(descriptor.path) == wanted:
                        return pid
        except OSError:
            continue
    return None


def end(pid: int, born: str | None, grace: float = 10) -> None:
    """End one process that is not our child: ask, wait, insist. A number that was given anew is left alone."""
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 2)):
        if born is None or birth(pid) != born:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and birth(pid) == born:
            time.sleep(0.05)
