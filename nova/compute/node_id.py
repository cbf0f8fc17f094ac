"""The id of this host, which its resource provider has, too: made once, and kept in a file."""

import os
import tempfile
import uuid
from pathlib import Path

from nova import errors

NAME = 'compute_id'


def ensure(state_path: str) -> str:
    """The id in the file; a new one if there is no file yet. HostFailed if what it holds is no id."""
    path = Path(state_path) / NAME
    try:
        text = path.read_text().strip()
    except FileNotFoundError:
        return _make(path)
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise errors.HostFailed(
            f'{path} should hold the id of this host, and holds {text[:60]!r}. Put the id back that '
            f'`openstack hypervisor list` shows for this host; delete the file only if it is a new host.'
        ) from None


def _make(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = str(uuid.uuid4())
    with tempfile.NamedTemporaryFile('w', dir=path.parent, prefix=f'.{NAME}.', delete=False) as file:
        file.write(f'{made}\n')
        file.flush()
        os.fsync(file.fileno())
    try:
        os.chmod(file.name, 0o644)
        # A link fails if another process was faster; then the id is the other's.
        os.link(file.name, path)
    except FileExistsError:
        return path.read_text().strip()
    finally:
        os.unlink(file.name)
    return made
