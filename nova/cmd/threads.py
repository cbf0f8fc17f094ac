"""Run on native threads only: keep libraries from loading eventlet because it happens to be installed."""

import contextlib
import ctypes
import sys

# glibc: how many heaps threads are spread over. Each keeps what its threads have freed.
M_ARENA_MAX = -8
ARENAS = 2


def native() -> None:
    """Choose native threads for this process, unless it runs on eventlet already. Call before the heavy imports.

    futurist and oslo.service load eventlet wherever they find it, which costs each daemon 30 MiB.
    """
    if sys.modules.get('eventlet') is not None:
        return
    sys.modules['eventlet'] = None  # type: ignore[assignment] - makes `import eventlet` an ImportError
    from oslo_service import backend

    backend.register_backend_default_hook(lambda: backend.BackendType.THREADING)
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)
