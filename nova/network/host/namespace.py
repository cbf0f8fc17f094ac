"""Run the few commands and open the few sockets that networks need, in the right network namespace."""

import concurrent.futures
import ctypes
import os
import subprocess
from collections.abc import Callable
from typing import TypeVar

from nova import errors

CLONE_NEWNET = 0x40000000
NAMED = '/run/netns'
COMMAND_TIMEOUT = 60
# dnsmasq and nft are often outside the path of a daemon.
PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

T = TypeVar('T')


class CommandFailed(Exception):
    """A command did not do what it should; the text has its own words."""


class Namespace:
    """One thread that lives in the namespace; what it starts or opens belongs there, too."""

    def __init__(self, name: str | None = None):
        self.name = name
        self._thread = concurrent.futures.ThreadPoolExecutor(1, 'namespace', self._enter)
        if name and not os.path.exists(f'{NAMED}/{name}'):
            raise errors.ServiceDown(
                f'The network namespace {name} does not exist. Make it with `ip netns add {name}`.'
            )

    def _enter(self) -> None:
        if not self.name:
            return
        descriptor = os.open(f'{NAMED}/{self.name}', os.O_RDONLY | os.O_CLOEXEC)
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(descriptor, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f'cannot enter the network namespace {self.name}')
        finally:
            os.close(descriptor)

    def inside(self, work: Callable[[], T]) -> T:
        """What `work` returns when called in the namespace. It must be quick: there is one thread for all."""
        return self._thread.submit(work).result()

    def run(self, *command: str, stdin: str | None = None) -> str:
        """Run a command (never a shell) and return what it prints."""
        return self.inside(lambda: _run(command, stdin))

    def write(self, path: str, value: str) -> None:
        """Set a kernel setting under /proc/sys/net, which is this namespace's for the thread that lives in it."""

        def write() -> None:
            with open(path) as setting:
                if setting.read().strip() == value:
                    return
            with open(path, 'w') as setting:
                setting.write(value)

        self.inside(write)

    def close(self) -> None:
        self._thread.shutdown(wait=False)


def _run(command: tuple[str, ...], stdin: str | None) -> str:
    try:
        done = subprocess.run(
            command,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT,
            env={'PATH': PATH, 'LC_ALL': 'C'},
            check=False,
        )
    except FileNotFoundError as failure:
        raise CommandFailed(f'{command[0]} is not installed.') from failure
    except subprocess.TimeoutExpired as failure:
        raise CommandFailed(f'{" ".join(command)} did not end within {COMMAND_TIMEOUT} seconds.') from failure
    if done.returncode:
        raise CommandFailed(f'{" ".join(command)} failed: {(done.stderr or done.stdout).strip()}')
    return done.stdout
