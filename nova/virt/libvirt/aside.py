"""Set a guest's directory aside for another one, and put it back: by renaming, so that whoever dies leaves one of both.

While the copy is being made it is `<id>_new`; once the guest has it, what it had before is `<id>_resize`.
"""

import os
import shutil

from nova import errors

ASIDE, NEW = '_resize', '_new'


def owner(name: str) -> str:
    """The guest that a directory of this name belongs to."""
    return name.removesuffix(ASIDE).removesuffix(NEW)


def is_set_aside(directory: str) -> bool:
    """Whether the guest has other files by now; finishes what was begun."""
    if not os.path.isdir(directory + ASIDE):
        return False
    if not os.path.isdir(directory):
        _rename(directory + NEW, directory)
    return True


def new(directory: str) -> str:
    """An empty directory for the files that the guest is to have."""
    delete(directory + NEW)
    _try(lambda: os.makedirs(directory + NEW), directory + NEW)
    return directory + NEW


def exchange(directory: str) -> None:
    """Have the guest's directory set aside, and the new one in its place."""
    _rename(directory, directory + ASIDE)
    _rename(directory + NEW, directory)


def put_back(directory: str) -> None:
    """Have the guest's former directory in its place again, and the new one deleted. Neither need be there."""
    if os.path.isdir(directory + ASIDE):
        if os.path.isdir(directory):
            # It has to be gone as a whole, or not at all.
            delete(directory + NEW)
            _rename(directory, directory + NEW)
        _rename(directory + ASIDE, directory)
    delete(directory + NEW)


def forget(directory: str) -> None:
    """Delete what was set aside, and what was being made."""
    delete(directory + ASIDE)
    delete(directory + NEW)


def delete(path: str) -> None:
    def remove() -> None:
        try:
            shutil.rmtree(path)
        except FileNotFoundError:
            pass

    _try(remove, path)


def _rename(path: str, to: str) -> None:
    _try(lambda: os.rename(path, to), to)


def _try(work, path: str) -> None:
    try:
        work()
    except OSError as failure:
        raise errors.HostFailed(f'{path} cannot be changed: {failure}.') from failure
