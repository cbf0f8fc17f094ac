"""Put new disks in the place of a guest's own: all of them, or none, whenever the host dies."""

import os
import shutil
from collections.abc import Callable, Collection

from nova import errors

# In a guest's directory: where its new files are while they are made, and from when on they are the guest's.
PREPARED, COMMITTED = 'disks.prepared', 'disks.committed'

# The names of the disks that a directory's plan speaks of; None where there is no plan.
NamesIn = Callable[[str], Collection[str] | None]


def commit(directory: str, plan: str, names_in: NamesIn) -> None:
    """Make the prepared files the guest's, if there are any. `plan` is the file that says what the others are."""
    try:
        os.rename(os.path.join(directory, PREPARED), os.path.join(directory, COMMITTED))
    except FileNotFoundError:
        # Committed before.
        pass
    except OSError as failure:
        raise errors.HostFailed(f'The new disks in {directory} cannot be put in their place: {failure}.') from failure
    complete(directory, plan, names_in)


def complete(directory: str, plan: str, names_in: NamesIn) -> None:
    """Go on with a commit that was interrupted. The plan goes last: until then this is known to be unfinished."""
    source = os.path.join(directory, COMMITTED)
    if not os.path.isdir(source):
        return
    kept = names_in(source)
    try:
        if kept is not None:
            _move(source, directory, plan, kept)
        os.rmdir(source)
    except OSError as failure:
        raise errors.HostFailed(f'The new disks in {source} cannot be put in their place: {failure}.') from failure


def discard(directory: str) -> None:
    """Delete what was prepared and not committed."""
    prepared = os.path.join(directory, PREPARED)
    try:
        shutil.rmtree(prepared)
    except FileNotFoundError:
        pass
    except OSError as failure:
        raise errors.HostFailed(f'{prepared} cannot be deleted: {failure}.') from failure


def _move(source: str, directory: str, plan: str, kept: Collection[str]) -> None:
    for name in sorted(set(os.listdir(source)) - {plan}):
        os.replace(os.path.join(source, name), os.path.join(directory, name))
    for entry in os.scandir(directory):
        if entry.name.startswith('disk') and entry.is_file() and entry.name not in {*kept, plan}:
            os.unlink(entry.path)
    os.replace(os.path.join(source, plan), os.path.join(directory, plan))
