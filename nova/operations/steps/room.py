"""Room for a server, claimed on a host that the scheduler chooses."""

from collections.abc import Callable
from typing import Any

from nova import errors
from nova.domain.request import PlacementRequest, Selection
from nova.saga.journal import Journal


def reserve(cloud: Any, journal: Journal, request: Callable[[tuple[str, ...]], PlacementRequest]) -> Selection:
    """The choice of a step `reserve_room`; `request` makes what is asked for, without the hosts that failed before.

    Errors: NoRoom, with why for each host.
    """
    failed = {choice.host: error for choice, error in journal.failed_attempts('reserve_room', Selection)}
    (choice,) = cloud.scheduler.select(cloud.context, requests=(request(tuple(failed)),))
    if choice.selection is None:
        tried = {host: f'The guest could not be made there. {error}'.strip() for host, error in failed.items()}
        raise errors.NoRoom(reasons=choice.rejected | tried)
    return choice.selection
