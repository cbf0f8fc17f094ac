"""Give a libvirtd control groups of its own: a subtree that it takes for the whole, so that guests of two never meet."""

import contextlib
import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from nova.standalone import system_calls

# What keeps a guest to its share of processors, and counts what it uses. The second version does both with `cpu`.
CONTROLLERS = ('cpu', 'cpuacct')
PROC = Path('/proc')
SHOWN = Path('/sys/fs/cgroup')
# The group of the daemon itself: in the second version no process may live beside the groups of guests.
DAEMON = 'daemon'
REMOVAL_PATIENCE = 5.0


@dataclasses.dataclass(frozen=True)
class Hierarchy:
    """One that is mounted, and what it controls. `unified` is the second version's, which has all controllers."""

    mount_point: Path
    controllers: tuple[str, ...]
    unified: bool = False


def hierarchies(proc: Path = PROC) -> tuple[Hierarchy, ...]:
    """Those of this machine that divide its processors; none where we may not change them."""
    found: dict[tuple[str, ...], Hierarchy] = {}
    unified = []
    for where, kind, options in _mounts(proc):
        if 'ro' in options:
            continue
        if kind == 'cgroup2':
            unified.append(Hierarchy(where, ('cpu',), unified=True))
        elif ours := tuple(name for name in CONTROLLERS if name in options):
            # The same one may be mounted again elsewhere, as containers do.
            found.setdefault(ours, Hierarchy(where, ours))
    if any('cpu' in controllers for controllers in found):
        return tuple(found.values())
    return tuple(hierarchy for hierarchy in unified if _hands_on(hierarchy.mount_point))[:1]


def _mounts(proc: Path = PROC) -> Iterator[tuple[Path, str, set[str]]]:
    """Where hierarchies are mounted, of which version, and with which options."""
    for line in (proc / 'self' / 'mounts').read_text().splitlines():
        _source, where, kind, options, *_ = line.split(' ')
        if kind in ('cgroup', 'cgroup2'):
            yield Path(where), kind, set(options.split(','))


def _hands_on(top: Path) -> bool:
    """Whether groups right below the top have the controller; what starts services does this on most machines."""
    try:
        if 'cpu' not in (top / 'cgroup.controllers').read_text().split():
            return False
        if 'cpu' not in (top / 'cgroup.subtree_control').read_text().split():
            (top / 'cgroup.subtree_control').write_text('+cpu')
    except OSError:
        return False
    return True


class Subtree:
    """The groups of one name, right below the top of each hierarchy."""

    def __init__(self, name: str):
        self.name = name
        self._hierarchies = hierarchies()
        self.tops = tuple(hierarchy.mount_point / name for hierarchy in self._hierarchies)

    def processes(self) -> list[int]:
        found = set()
        for group in self._groups():
            # Groups come and go while they are looked through.
            with contextlib.suppress(OSError):
                found.update(int(pid) for pid in (group / 'cgroup.procs').read_text().split())
        return sorted(found)

    def _groups(self) -> list[Path]:
        """Those of guests before those that they are in."""
        return [Path(folder) for top in self.tops for folder, *_ in os.walk(top, topdown=False)]

    def enter(self) -> None:
        """Move this process into the daemon's group and have it see nothing above the subtree; then `show` it.

        Guests may have outlived an earlier daemon: what they take for the whole, this one must, too. Needs a mount
        namespace of its own, from which the machine's hierarchies are taken away.
        """
        if not self.tops:
            raise OSError('no control groups for processors are mounted here, or they may not be changed')
        if not self._join_those_inside():
            self.remove()
            self._make()
        for where in reversed([where for where, *_ in _mounts()]):
            system_calls.unmount(where)

    def _join_those_inside(self) -> bool:
        for pid in self.processes():
            # It may end just now; then another one knows as well.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                self._move(DAEMON)
                system_calls.join(PROC / str(pid) / 'ns' / 'cgroup', system_calls.NEW_CGROUPS)
                return True
        return False

    def _make(self) -> None:
        for top in self.tops:
            (top / DAEMON).mkdir(parents=True)
        # A new namespace begins where the process is.
        self._move('.')
        system_calls.unshare(system_calls.NEW_CGROUPS)
        self._move(DAEMON)
        for hierarchy, top in zip(self._hierarchies, self.tops, strict=True):
            if hierarchy.unified:
                (top / 'cgroup.subtree_control').write_text('+cpu')

    def _move(self, group: str) -> None:
        for top in self.tops:
            (top / group / 'cgroup.procs').write_text(str(os.getpid()))

    def show(self) -> None:
        """Mount the hierarchies where they belong; after `enter`, they begin with the subtree."""
        if self._hierarchies[0].unified:
            system_calls.mount('cgroup2', SHOWN, file_system='cgroup2')
            return
        system_calls.mount('tmpfs', SHOWN, file_system='tmpfs', options='mode=755')
        for hierarchy in self._hierarchies:
            # Under one name, even if it has two controllers: libvirt wants links for names with a comma.
            where = SHOWN / hierarchy.controllers[0]
            where.mkdir()
            system_calls.mount('cgroup', where, file_system='cgroup', options=','.join(hierarchy.controllers))

    def remove(self) -> None:
        """Take the groups off the machine. OSError where processes still live in them."""
        deadline = time.monotonic() + REMOVAL_PATIENCE
        while groups := self._groups():
            try:
                for group in groups:
                    group.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                # What has just been killed takes its time to leave.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def can_be_had() -> bool:
    """Whether a subtree can be made and shown here: it is tried out."""
    name = f'nova-standalone-trial-{os.getpid()}'
    if not hierarchies():
        return False
    trial = [sys.executable, '-m', 'nova.standalone.private_mounts', f'--cgroups={name}', '--', 'true']
    try:
        return subprocess.run(trial, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0
    finally:
        Subtree(name).remove()
