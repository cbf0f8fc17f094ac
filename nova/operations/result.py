"""Wait for an operation that was begun, where its caller is answered with what came of it."""

import time
from typing import Any

from nova import errors
from nova.db.stores import operations
from nova.domain.operation import DONE, RUNNING, WAITING, OperationRow
from nova.operations.operation import what_host_could_not_do

# Between two looks, in seconds: the first is short, since most operations are.
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5

# What broke an operation off is not the fault of its request.
_ANSWERS = {errors.Stopped: errors.Conflict, errors.PastDeadline: errors.Unavailable}


def of(services: Any, cell_id: str, operation_id: str, patience: float) -> OperationRow:
    """The operation, ended well. Raises what it failed of; Unavailable if it has not ended within `patience` seconds."""
    until, pause = time.monotonic() + patience, FIRST_PAUSE
    while True:
        with services.databases.cell(cell_id).reading() as tx:
            row = operations.get(tx, operation_id)
        if row.status not in (RUNNING, WAITING):
            break
        if time.monotonic() > until:
            raise errors.Unavailable('This takes longer than usual and goes on; see later what came of it.')
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
    if row.status != DONE:
        raise _failure(row)
    return row


def _failure(row: OperationRow) -> Exception:
    failure = row.failure or {}
    kind = getattr(errors, failure.get('kind') or '', None)
    if isinstance(kind, type) and issubclass(kind, errors.Refused) and kind is not errors.NoRoom:
        return _ANSWERS.get(kind, kind)(failure['text'])
    return errors.Unavailable(what_host_could_not_do(row.verb))
