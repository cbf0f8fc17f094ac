"""Namespaces and mounts by the C library's calls, which Python has no functions for."""

import ctypes
import os

NEW_MOUNTS, NEW_CGROUPS = 0x00020000, 0x02000000
READ_ONLY, REMOUNT, BIND, RECURSIVE, SLAVE = 1, 32, 4096, 16384, 1 << 19
_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, *paths: object) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), *(str(path) for path in paths))


def unshare(kinds: int) -> None:
    """Leave the namespaces of these kinds for new ones."""
    _check(_libc.unshare(kinds))


def join(namespace: str | os.PathLike, kind: int) -> None:
    """Enter a namespace by its file under /proc."""
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(descriptor, kind), namespace)
    finally:
        os.close(descriptor)


def mount(
    source: str | os.PathLike | None,
    target: str | os.PathLike,
    flags: int = 0,
    file_system: str | None = None,
    options: str | None = None,
) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, file_system)]
    data = None if options is None else os.fsencode(options)
    _check(_libc.mount(*encoded, ctypes.c_ulong(flags), data), target)


def unmount(target: str | os.PathLike) -> None:
    """Take a mount away, with what is mounted below it, as soon as nobody uses it."""
    _check(_libc.umount2(os.fsencode(target), _DETACH), target)
