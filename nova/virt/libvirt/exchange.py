"""Put new disks in the place of a guest's own: all of them, or none, whenever the host dies."""

import json
import os
import shutil

from nova import errors

# Beside a guest's files: the new ones while they are made, and from when on they are the guest's.
PREPARED, COMMITTED = 'disks.prepared', 'disks.committed'


def commit(directory: str, plan: str) -> bool:
    """Make the prepared files the guest's; false if there are none. `plan` is the file that says what the others are."""
    try:
        os.rename(os.path.join(directory, PREPARED), os.path.join(directory, COMMITTED))
    except FileNotFoundError:
        complete(directory, plan)
        return False
    complete(directory, plan)
    return True


def complete(directory: str, plan: str) -> None:
    """Go on with a commit that was interrupted. The plan comes last, so that until then this is known to be unfinished."""
    source = os.path.join(directory, COMMITTED)
    if not os.path.isdir(source):
        return
    try:
        if os.path.exists(os.path.join(source, plan)):
            _move(source, directory, plan)
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


def _move(source: str, directory: str, plan: str) -> None:
    for name in sorted(set(os.listdir(source)) - {plan}):
        os.replace(os.path.join(source, name), os.path.join(directory, name))
    with open(os.path.join(source, plan), encoding='utf-8') as file:
        kept = {entry['name'] for entry in json.load(file)['disks'] if 'name' in entry}
    for name in os.listdir(directory):
        if name.startswith('disk') and name not in {*kept, plan} and os.path.isfile(os.path.join(directory, name)):
            os.unlink(os.path.join(directory, name))
    os.replace(os.path.join(source, plan), os.path.join(directory, plan))
