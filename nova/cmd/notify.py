"""Tell the service manager how the daemon is doing, by systemd's datagram; without one, nothing happens."""

import os
import socket
import time
from collections.abc import Mapping


def notify(*states: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send states as in 'READY=1'; whether there was somebody to tell."""
    path = environ.get('NOTIFY_SOCKET')
    if not path:
        return False
    address = '\0' + path[1:] if path.startswith('@') else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.connect(address)
            to.sendall('\n'.join(states).encode())
    except OSError:
        return False
    return True


def reloading() -> bool:
    """Say that the configuration is being read again; READY=1 ends it."""
    return notify('RELOADING=1', f'MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}')


def watchdog_interval(environ: Mapping[str, str] = os.environ) -> float | None:
    """Seconds between two signs of life that the service manager wants, half of what it allows; None for none."""
    if environ.get('WATCHDOG_PID', str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = environ.get('WATCHDOG_USEC', '')
    return int(microseconds) / 2_000_000 if microseconds.isdigit() and int(microseconds) else None
