"""Keep which requests with a key were begun, and what they were answered. In the API database."""

import dataclasses
import datetime

import sqlalchemy as sa
import sqlalchemy.exc

from nova import errors
from nova.db.tables.idempotency import idempotent_requests as requests
from nova.domain.attempt import Attempt

_columns = tuple(requests.c[field.name] for field in dataclasses.fields(Attempt))


def begin(tx: sa.Connection, attempt: Attempt) -> None:
    """Note that a request is carried out. Raises Conflict if one with its key was begun before."""
    try:
        tx.execute(sa.insert(requests).values(dataclasses.asdict(attempt)))
    except sqlalchemy.exc.IntegrityError as failure:
        raise errors.Conflict('A request with this key was begun before.') from failure


def find(tx: sa.Connection, key_hash: str) -> Attempt | None:
    row = tx.execute(sa.select(*_columns).where(requests.c.key_hash == key_hash)).first()
    return Attempt(*row) if row else None


def take_over(tx: sa.Connection, old: Attempt, attempt: str, lease_until: datetime.datetime) -> bool:
    """Carry on with a request that nobody answered; False if somebody else does, or it was answered."""
    query = sa.update(requests).where(_of(old)).values(attempt=attempt, lease_until=lease_until)
    return bool(tx.execute(query).rowcount)


def answer(tx: sa.Connection, mine: Attempt, status: int, content: str) -> bool:
    """Keep the answer; False if it has one, or somebody else has taken the request over."""
    return bool(tx.execute(sa.update(requests).where(_of(mine)).values(status=status, answer=content)).rowcount)


def forget(tx: sa.Connection, mine: Attempt) -> None:
    """Let the request be as if it had never been sent, unless it has an answer."""
    tx.execute(sa.delete(requests).where(_of(mine)))


def expire(tx: sa.Connection, before: datetime.datetime, key_hash: str | None = None) -> int:
    """Forget all requests that were begun before then, answered or not, or the one with this key; how many."""
    query = sa.delete(requests).where(requests.c.created_at < before)
    if key_hash is not None:
        query = query.where(requests.c.key_hash == key_hash)
    return tx.execute(query).rowcount


def _of(attempt: Attempt) -> sa.ColumnElement[bool]:
    return sa.and_(
        requests.c.key_hash == attempt.key_hash,
        requests.c.attempt == attempt.attempt,
        requests.c.status.is_(None),
    )
