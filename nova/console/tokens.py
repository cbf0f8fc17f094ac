"""Look up what a console token allows."""

import datetime
import hashlib
from collections.abc import Callable
from typing import Any

from nova.db.stores import console_tokens
from nova.domain.guest import ConsoleGrant

# No token that we make is longer, so nothing longer need be looked up.
LONGEST_TOKEN = 256

Authorize = Callable[[str], ConsoleGrant | None]


def stored(database: Any, kind: str, now: Callable[[], datetime.datetime]) -> Authorize:
    """A function from token to grant, or None, by the cell's database. Only consoles of `kind` are granted."""

    def authorize(token: str) -> ConsoleGrant | None:
        if len(token) > LONGEST_TOKEN:
            return None
        hashed = hashlib.sha256(token.encode()).hexdigest()
        grant = database.read(lambda tx: console_tokens.authorize(tx, hashed, now()))
        return grant if grant is not None and grant.address.kind == kind else None

    return authorize
