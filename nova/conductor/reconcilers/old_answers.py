"""Forget the answers that are kept for requests sent twice, a day after the first."""

from typing import Any

from nova.conductor.reconcilers.reconciler import Reconciler
from nova.db.stores import idempotency
from nova.domain.attempt import KEPT_FOR

INTERVAL = 3600


def repair(cloud: Any) -> None:
    # A conductor inside a cell may have no API database; a super-conductor does this then.
    if cloud.databases.has_api:
        with cloud.databases.api.writing() as tx:
            idempotency.expire(tx, cloud.now() - KEPT_FOR)


OLD_ANSWERS = Reconciler('old answers', INTERVAL, repair)
