"""Run programs that make and convert disk images: argument lists, bounded memory and time, never a shell."""

import os
import subprocess
from collections.abc import Sequence

from nova import errors

# Nothing that runs here may wait for ever, whatever it is fed.
LONGEST = 3600.0
GIB = 1 << 30


def run(arguments: Sequence[str], *, memory_gb: int | None = None, cpu_seconds: int | None = None) -> str:
    """The program's output. `memory_gb` and `cpu_seconds` are limits that the kernel keeps."""
    limits = []
    if memory_gb:
        limits.append(f'--as={memory_gb * GIB}')
    if cpu_seconds:
        limits.append(f'--cpu={cpu_seconds}')
    command = ['prlimit', *limits, '--', *arguments] if limits else list(arguments)
    name = os.path.basename(arguments[0])
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONGEST,
            env={**os.environ, 'LC_ALL': 'C'},
            check=False,
        )
    except FileNotFoundError as missing:
        raise errors.HostFailed(f'{missing.filename} is not installed on this host; install it.') from missing
    except subprocess.TimeoutExpired as late:
        raise errors.HostFailed(f'{name} did not end within {LONGEST:.0f} seconds.') from late
    if done.returncode:
        raise errors.HostFailed(f'{name} failed: {_reason(done)}')
    return done.stdout.decode('utf-8', 'replace')


def _reason(done: subprocess.CompletedProcess) -> str:
    if done.returncode < 0:
        return f'it was ended by signal {-done.returncode}, perhaps for exceeding its limit of time.'
    said = done.stderr.decode('utf-8', 'replace').strip().splitlines()
    return said[-1] if said else f'it ended with {done.returncode}.'
