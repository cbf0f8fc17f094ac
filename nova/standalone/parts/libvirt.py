"""A private libvirtd and virtlogd, which share neither folders nor sockets with the machine's."""

import contextlib
import functools
import json
import os
import socket
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from nova.standalone import configuration, hypervisor, private_cgroups, private_mounts, processes
from nova.standalone.daemon import BUS, Daemon
from nova.standalone.layout import Layout
from nova.standalone.parts.part import Part

FOLDERS = {'etc': '/etc/libvirt', 'run': '/run/libvirt', 'lib': '/var/lib/libvirt', 'cache': '/var/cache/libvirt'}
# Where swtpm_setup keeps the authority that certifies new TPMs.
TPM_FOLDERS = {'swtpm-localca': '/var/lib/swtpm-localca'}
# What a guest that outlived its supervisor gets to end by itself.
GUEST_GRACE = 5
FIRST_VNC_PORT = 5900
VNC_PORTS = 500


def socket_path(layout: Layout) -> Path:
    return layout.data('libvirt') / 'run' / 'libvirt-sock'


def connection_uri(layout: Layout) -> str:
    return f'qemu+unix:///system?socket={socket_path(layout)}'


def _resolves(name: str) -> bool:
    try:
        return bool(socket.gethostbyname(name))
    except OSError:
        return False


class Libvirt(Part):
    name = 'libvirt'
    title = 'libvirt'
    programs = {
        'libvirtd': 'libvirt-daemon',
        'virtlogd': 'libvirt-daemon',
        'qemu-system-x86_64': 'qemu-system-x86',
        'qemu-img': 'qemu-utils',
    }

    @property
    def _home(self) -> Path:
        return self.layout.data('libvirt')

    @property
    def _identity(self) -> uuid.UUID:
        return uuid.uuid5(uuid.NAMESPACE_URL, f'nova-standalone:{socket.gethostname()}:{self.layout.state_dir}')

    @property
    def cgroups(self) -> str:
        """The name of this cloud's control groups."""
        return f'nova-standalone-{self._identity.hex[:12]}'

    @functools.cached_property
    def _limits_processors(self) -> bool:
        return private_cgroups.can_be_had()

    def configure(self) -> None:
        for folder in (*FOLDERS, *TPM_FOLDERS, 'log', 'nothing'):
            (self._home / folder).mkdir(parents=True, exist_ok=True)
        (self._home / 'no-kvm').touch()
        logs = {name: f'log_outputs = "2:file:{self._home}/log/{name}.log"' for name in ('libvirtd', 'virtlogd')}
        self._write(
            'libvirtd.conf',
            'listen_tls = 0',
            'listen_tcp = 0',
            'auth_unix_rw = "none"',
            'unix_sock_rw_perms = "0700"',
            f'host_uuid = "{self._identity}"',
            logs['libvirtd'],
        )
        first_vnc = FIRST_VNC_PORT + self.layout.port_offset
        self._write(
            'qemu.conf',
            'user = "root"',
            'group = "root"',
            'dynamic_ownership = 1',
            'remember_owner = 0',
            'security_driver = "none"',
            'namespaces = []',
            f'cgroup_controllers = {json.dumps(private_cgroups.CONTROLLERS if self._limits_processors else ())}',
            'stdio_handler = "logd"',
            f'remote_display_port_min = {first_vnc}',
            f'remote_display_port_max = {first_vnc + VNC_PORTS}',
            'swtpm_user = "root"',
            'swtpm_group = "root"',
        )
        self._write('virtlogd.conf', logs['virtlogd'], 'max_size = 16777216')
        self._write_hosts()

    def _write(self, file: str, *lines: str) -> None:
        configuration.write(self._home / 'etc' / file, '\n'.join((*lines, '')), mode=0o644)

    def _write_hosts(self) -> None:
        name, known = socket.gethostname(), Path('/etc/hosts').read_text()
        # libvirt looks the machine's own name up, and waits ten seconds where no one knows it.
        mine = '' if _resolves(name) else f'127.0.1.1 {name}\n'
        configuration.write(self._home / 'hosts', known + mine, mode=0o644)

    def _shown(self) -> list[str]:
        """What the daemons see of ours in the place of the system's."""
        pairs = [(self._home / folder, target) for folder, target in FOLDERS.items()]
        if self.layout.has('barbican'):
            pairs += [(self._home / folder, target) for folder, target in TPM_FOLDERS.items()]
        pairs.append((self._home / 'hosts', '/etc/hosts'))
        if hypervisor.virt_type() != 'kvm' and os.path.exists('/dev/kvm'):
            # Not to be written by anybody: were it only useless, libvirt would probe QEMU again at each start of a guest.
            pairs.append((self._home / 'no-kvm', '/dev/kvm=ro'))
        if os.path.exists('/run/dbus'):
            # Else systemd's machine registry would list our guests, and mix up those of two clouds.
            pairs.append((self._home / 'nothing', '/run/dbus'))
        return [f'{source}={target}' for source, target in pairs]

    def _daemon(self, name: str, socket_name: str, grace: float, *apart: str) -> Daemon:
        etc = self._home / 'etc'
        seen = (sys.executable, '-m', 'nova.standalone.private_mounts', *apart, *self._shown(), '--')
        own = (name, '-f', f'/etc/libvirt/{name}.conf', '-p', f'/run/libvirt/{name}.pid')
        return Daemon(
            name,
            (*seen, *own),
            BUS,
            address=f'unix:{self._home / "run" / socket_name}',
            config_files=tuple(str(etc / file) for file in (f'{name}.conf', 'qemu.conf')),
            grace=grace,
        )

    def daemons(self) -> list[Daemon]:
        apart = (f'{private_mounts.CGROUPS}{self.cgroups}',) if self._limits_processors else ()
        return [self._daemon('virtlogd', 'virtlogd-sock', 5), self._daemon('libvirtd', 'libvirt-sock', 10, *apart)]

    def after_stop(self) -> None:
        """End guests that outlived a supervisor: the one that runs ends its own. Nobody is in the control groups then."""
        subtree = private_cgroups.Subtree(self.cgroups)
        # What else lives there, as a guest's TPM does, ends with its guest as a rule.
        for pid, born in [(pid, processes.birth(pid)) for pid in (*self._guests(), *subtree.processes())]:
            processes.end(pid, born, GUEST_GRACE)
        try:
            subtree.remove()
        except OSError as failure:
            print(f'libvirt left control groups on this machine: {failure}', file=sys.stderr)

    def _guests(self) -> Iterator[int]:
        for note in (self._home / 'run' / 'qemu').glob('*.pid'):
            with contextlib.suppress(OSError, ValueError):
                pid = int(note.read_text())
                if processes.name(pid).startswith('qemu-system') and str(self._home) in _mounts_of(pid):
                    yield pid


def _mounts_of(pid: int) -> str:
    try:
        return Path(f'/proc/{pid}/mountinfo').read_text()
    except OSError:
        return ''
