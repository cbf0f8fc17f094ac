"""Run a program that sees our folders in the place of the system's: SOURCE=TARGET[=ro] ... -- PROGRAM ARGUMENT ..."""

import ctypes
import os
import sys

CLONE_NEWNS = 0x00020000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_SLAVE = 1, 32, 4096, 16384, 1 << 19


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        sys.exit(f'{what} failed: {os.strerror(number)}.')


def enter(binds: list[list[str]]) -> None:
    """Leave the machine's mounts as they are, and put ours over them for this process and its children alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(CLONE_NEWNS), 'A mount namespace of our own')
    _check(libc.mount(None, b'/', None, MS_REC | MS_SLAVE, None), 'Keeping our mounts to ourselves')
    for source, target, *how in binds:
        if os.path.isdir(source):
            os.makedirs(target, exist_ok=True)
        _check(
            libc.mount(os.fsencode(source), os.fsencode(target), None, MS_BIND, None), f'Showing {source} as {target}'
        )
        if 'ro' in how:
            flags = MS_REMOUNT | MS_BIND | MS_RDONLY
            _check(libc.mount(None, os.fsencode(target), None, flags, None), f'Protecting {target}')


def main(arguments: list[str]) -> None:
    split = arguments.index('--')
    enter([bind.split('=') for bind in arguments[:split]])
    program = arguments[split + 1 :]
    os.execvp(program[0], program)


if __name__ == '__main__':
    main(sys.argv[1:])
