"""Have a tool run by a Python that has the packages it needs: this one, or that of the clone's .venv."""

import importlib.util
import os
import sys
from pathlib import Path

OURS = Path(__file__).resolve().parents[1] / '.venv' / 'bin' / 'python'
# With these every other package that nova itself needs is there.
NOVA = ('sqlalchemy', 'oslo_messaging', 'webob')


def ensure(*packages: str) -> None:
    """Return, on native threads, where nova's packages and these are to be had; else begin anew in .venv, or say what to do."""
    missing = [name for name in (*NOVA, *packages) if importlib.util.find_spec(name) is None]
    if not missing:
        from nova.cmd import threads

        threads.native()
        return
    if not OURS.exists() or Path(sys.prefix) == OURS.parents[1]:
        raise SystemExit(
            f'{sys.argv[0]} needs Python packages that {sys.executable} does not have ({", ".join(missing)}). '
            'Run tools/up or tools/test, which install them into .venv, and then this again.'
        )
    os.execv(OURS, [str(OURS), *sys.orig_argv[1:]])
