"""Tell Placement of hosts that joined or left an aggregate while it was away."""

from typing import Any

from nova.conductor.reconcilers.reconciler import Reconciler
from nova.operations import memberships

INTERVAL = 30


def repair(cloud: Any) -> None:
    if cloud.databases.has_api:
        memberships.tell(cloud.databases, cloud.placement)


UNTOLD_MEMBERSHIPS = Reconciler('untold memberships', INTERVAL, repair)
