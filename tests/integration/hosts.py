"""Play a compute host: a private libvirtd with its own network, mounts and host name, on the machine that runs the tests."""

import contextlib
import ctypes
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from nova.standalone import private_cgroups, processes
from nova.standalone.private_cgroups import Subtree

REPOSITORY = Path(__file__).parents[2]
BRIDGE = 'br-test'
# libvirt's own folders, each replaced by one of the host's.
FOLDERS = {
    'etc': '/etc/libvirt',
    'run': '/run/libvirt',
    'lib': '/var/lib/libvirt',
    'log': '/var/log/libvirt',
    'cache': '/var/cache/libvirt',
}
DAEMONS = ('virtlogd', 'libvirtd')
APART = ('unshare', '--mount', '--net', '--uts', '--propagation', 'private')
ANSWERS_AT_ONCE = (
    '--conf-file=/dev/null', '--pid-file=', '--user=root', '--leasefile-ro', '--no-ping',
    '--dhcp-range=192.0.2.10,192.0.2.250', '--dhcp-option=option:router',
)  # fmt: skip
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
START_TIMEOUT = 30.0
CGROUPS = 'nova-test'


def missing() -> str | None:
    """Why no host can be played here, or None."""
    if os.geteuid() != 0:
        return "a libvirtd of one's own needs root"
    needed = (*DAEMONS, 'qemu-img', 'qemu-system-x86_64', 'unshare', 'nsenter', 'ip', 'dnsmasq')
    lacking = [program for program in needed if shutil.which(program) is None]
    return f'not installed: {", ".join(lacking)}' if lacking else None


def guest_image(directory: Path) -> Path:
    """The tiny guest's disk image, built into the directory unless it is there."""
    subprocess.run([REPOSITORY / 'tools' / 'guest-image', '--all', directory], check=True, capture_output=True)
    return directory / 'tiny.qcow2'


def uefi_image(directory: Path) -> Path | None:
    """The same guest for UEFI; None where the programs to build it are missing."""
    return _variant(directory, 'uefi')


def agent_image(directory: Path) -> Path | None:
    """The same guest with the QEMU guest agent; None where its package is not to be had."""
    return _variant(directory, 'agent')


def signed_image(directory: Path) -> Path | None:
    """The same guest for UEFI, signed for Secure Boot; None where the packages are not to be had."""
    return _variant(directory, 'secure')


def _variant(directory: Path, kind: str) -> Path | None:
    path = guest_image(directory).with_name(f'tiny-{kind}.qcow2')
    return path if path.exists() else None


@dataclasses.dataclass
class TestHost:
    """A host that runs. `root` holds its folders; files outside them are the machine's, under the same paths."""

    __test__ = False

    name: str
    root: Path
    process: subprocess.Popen
    cgroups: str | None = None

    @property
    def uri(self) -> str:
        return f'qemu+unix:///system?socket={self.root}/run/libvirt-sock'

    @property
    def instances(self) -> Path:
        return self.root / 'instances'

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run a program on the host."""
        inside = ['nsenter', '-t', str(self.process.pid), '-m', '-n', '-u', '--']
        return subprocess.run([*inside, *arguments], capture_output=True, text=True, check=check, timeout=60)

    def virsh(self, *arguments: str, check: bool = True) -> str:
        return self.run('virsh', '-c', 'qemu:///system', *arguments, check=check).stdout

    def pid_of(self, daemon: str) -> int:
        return int((self.root / 'run' / f'{daemon}.pid').read_text())

    def restart_libvirtd(self, number: int = signal.SIGTERM) -> None:
        """End libvirtd and wait until the host has started it anew."""
        old = self.pid_of('libvirtd')
        os.kill(old, number)
        _wait_for(
            lambda: _readable_pid(self.root / 'run' / 'libvirtd.pid') not in (None, old), 'libvirtd did not restart'
        )
        _wait_for(self._answers, 'libvirtd does not answer')

    def cgroup(self, guest_name: str, file: str) -> str:
        """What a file says of the guest's control group."""
        found = [path for top in Subtree(self.cgroups).tops for path in top.glob(f'machine/*-{guest_name}.*/{file}')]
        if not found:
            raise FileNotFoundError(file)
        return found[0].read_text().strip()

    def _answers(self) -> bool:
        return self.run('virsh', '-c', 'qemu:///system', 'version', check=False).returncode == 0


@contextlib.contextmanager
def running(
    name: str, root: Path, number: int, capabilities: Path | None = None, limits_processors: bool = True
) -> Iterator[TestHost]:
    """A host while inside. `capabilities` keeps what libvirt learns of QEMU, which takes it seconds, between runs.

    It limits its guests' processors by control groups if this machine can.
    """
    cgroups = _own_cgroups(name) if limits_processors else None
    for folder in (*FOLDERS, 'instances'):
        (root / folder).mkdir(parents=True)
    shutil.copytree(FOLDERS['etc'], root / 'etc', dirs_exist_ok=True)
    _configure(root, number, private_cgroups.CONTROLLERS if cgroups else ())
    if capabilities is not None:
        shutil.copytree(capabilities, root / 'cache', dirs_exist_ok=True)
    with open(root / 'host.log', 'wb') as log:
        process = subprocess.Popen(
            [*APART, sys.executable, __file__, name, root, *filter(None, [cgroups])],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    host = TestHost(name, root, process, cgroups)
    try:
        _wait_for(lambda: _listens(root / 'run' / 'libvirt-sock'), f'{name} did not start', process)
        yield host
        if capabilities is not None:
            shutil.copytree(root / 'cache', capabilities, dirs_exist_ok=True)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(START_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if cgroups:
            Subtree(cgroups).remove()


def _own_cgroups(host: str) -> str | None:
    """The name of a subtree for a host, if one can be had. What test runs that were killed left goes."""
    for left in (path for found in private_cgroups.hierarchies() for path in found.mount_point.glob(f'{CGROUPS}-*')):
        if processes.birth(int(left.name.split('-')[2])) is None:
            Subtree(left.name).remove()
    return f'{CGROUPS}-{os.getpid()}-{host}' if private_cgroups.can_be_had() else None


def _configure(root: Path, number: int, controllers: Sequence[str]) -> None:
    host_uuid = uuid.UUID(f'00000000-0000-4000-8000-{number:012x}')
    (root / 'etc' / 'libvirtd.conf').write_text(
        f'listen_tls = 0\nlisten_tcp = 0\nauth_unix_rw = "none"\nhost_uuid = "{host_uuid}"\n'
        'log_outputs = "2:file:/var/log/libvirt/libvirtd.log"\n'
    )
    (root / 'etc' / 'qemu.conf').write_text(
        'user = "root"\ngroup = "root"\nremember_owner = 0\nsecurity_driver = "none"\nnamespaces = []\n'
        f'cgroup_controllers = {json.dumps(controllers)}\nstdio_handler = "logd"\n'
    )


def _wait_for(condition, failure: str, process: subprocess.Popen | None = None) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not condition():
        if time.monotonic() > deadline or (process is not None and process.poll() is not None):
            raise AssertionError(failure)
        time.sleep(0.02)


def _listens(path: Path) -> bool:
    """Whether somebody listens at the socket, which is there a moment before."""
    with socket.socket(socket.AF_UNIX) as caller, contextlib.suppress(OSError):
        caller.connect(str(path))
        return True
    return False


def _readable_pid(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


# --- Below runs inside the host's namespaces, as the parent of all its processes.


def _mount_own_folders(name: str, root: Path, cgroups: Subtree | None) -> None:
    for folder, target in FOLDERS.items():
        os.makedirs(target, exist_ok=True)
        _command('mount', '--bind', str(root / folder), target)
    if cgroups:
        cgroups.enter()
    # The interfaces of this network; libvirt looks for them there.
    _command('mount', '-t', 'sysfs', 'sysfs', '/sys')
    if cgroups:
        cgroups.show()
    if os.path.exists('/run/dbus'):
        # Else systemd would put guests into control groups of its own.
        _command('mount', '-t', 'tmpfs', 'tmpfs', '/run/dbus')
    hosts = root / 'hosts'
    # Without an entry libvirt waits ten seconds for somebody to know its name.
    hosts.write_text(f'127.0.0.1 localhost\n127.0.1.1 {name}\n')
    _command('mount', '--bind', str(hosts), '/etc/hosts')


def _make_network(name: str) -> None:
    _command('hostname', name)
    _command('ip', 'link', 'set', 'lo', 'up')
    _command('ip', 'link', 'add', BRIDGE, 'type', 'bridge')
    _command('ip', 'address', 'add', '192.0.2.1/24', 'dev', BRIDGE)
    _command('ip', 'link', 'set', BRIDGE, 'up')
    # Guests that nobody answers wait for their addresses longer than they boot.
    _command('dnsmasq', f'--interface={BRIDGE}', '--bind-interfaces', '--port=0', *ANSWERS_AT_ONCE)


def _command(*arguments: str) -> None:
    subprocess.run(arguments, check=True)


def _start(daemon: str) -> int:
    return subprocess.Popen([daemon, '-p', f'/run/libvirt/{daemon}.pid']).pid


def main(name: str, root: Path, cgroups: Subtree | None) -> None:
    # QEMU makes itself an orphan, and libvirt waits until somebody has buried a dead one.
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _mount_own_folders(name, root, cgroups)
    _make_network(name)
    daemons = {_start(daemon): daemon for daemon in DAEMONS}

    def stop(*_arguments) -> None:
        raise SystemExit

    signal.signal(signal.SIGTERM, stop)
    # A test run that is killed leaves no host behind.
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    try:
        while True:
            dead, _status = os.wait()
            if dead in daemons:
                daemon = daemons.pop(dead)
                daemons[_start(daemon)] = daemon
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end_all()


def _end_all() -> None:
    """End whatever is left below this process: the daemons, and guests that tests forgot."""
    deadline = time.monotonic() + START_TIMEOUT / 2
    while children := Path(f'/proc/self/task/{os.getpid()}/children').read_text().split():
        late = time.monotonic() > deadline
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL if late else signal.SIGTERM)
        time.sleep(0.05)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


if __name__ == '__main__':
    main(sys.argv[1], Path(sys.argv[2]), Subtree(sys.argv[3]) if len(sys.argv) > 3 else None)
