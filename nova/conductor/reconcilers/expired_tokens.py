"""Forget console tokens whose time is over."""

from typing import Any

from nova.conductor.reconcilers.reconciler import Reconciler
from nova.db.stores import console_tokens

INTERVAL = 300


def repair(cloud: Any) -> None:
    for cell in cloud.databases.cells():
        with cloud.databases.cell(cell.id).writing() as tx:
            console_tokens.expire(tx, cloud.now())


EXPIRED_TOKENS = Reconciler('expired console tokens', INTERVAL, repair)
