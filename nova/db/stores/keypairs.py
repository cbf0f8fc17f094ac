"""Read and change users' key pairs."""

import sqlalchemy as sa
import sqlalchemy.exc

from nova import errors
from nova.db.tables.keypairs import keypairs
from nova.db.tables.types import now as present
from nova.domain.keypair import KeyPair

_columns = tuple(
    keypairs.c[name] for name in ('name', 'user_id', 'public_key', 'fingerprint', 'type', 'id', 'created_at')
)


def create(tx: sa.Connection, keypair: KeyPair) -> KeyPair:
    """Keep a key pair. Raises Conflict if the user has one of that name."""
    at = keypair.created_at or present()
    try:
        number = tx.execute(
            sa.insert(keypairs).values(
                user_id=keypair.user_id,
                name=keypair.name,
                type=keypair.type,
                fingerprint=keypair.fingerprint,
                public_key=keypair.public_key,
                created_at=at,
            )
        ).inserted_primary_key[0]
    except sqlalchemy.exc.IntegrityError as failure:
        raise errors.Conflict(f"Key pair '{keypair.name}' already exists.") from failure
    return KeyPair(keypair.name, keypair.user_id, keypair.public_key, keypair.fingerprint, keypair.type, number, at)


def find(tx: sa.Connection, user_id: str, name: str) -> KeyPair | None:
    query = sa.select(*_columns).where(keypairs.c.user_id == user_id, keypairs.c.name == name)
    row = tx.execute(query).first()
    return KeyPair(*row) if row else None


def get(tx: sa.Connection, user_id: str, name: str) -> KeyPair:
    found = find(tx, user_id, name)
    if found is None:
        raise _not_found(user_id, name)
    return found


def listing(tx: sa.Connection, user_id: str, marker: str | None = None, limit: int | None = None) -> list[KeyPair]:
    """The user's key pairs by name, from after the one named `marker` on."""
    query = sa.select(*_columns).where(keypairs.c.user_id == user_id).order_by(keypairs.c.name)
    if marker is not None:
        known = sa.select(keypairs.c.id).where(keypairs.c.user_id == user_id, keypairs.c.name == marker)
        if tx.execute(known).first() is None:
            raise errors.Invalid(f'The marker {marker} could not be found.')
        query = query.where(keypairs.c.name > marker)
    if limit is not None:
        query = query.limit(limit)
    return [KeyPair(*row) for row in tx.execute(query)]


def remove(tx: sa.Connection, user_id: str, name: str) -> None:
    query = sa.delete(keypairs).where(keypairs.c.user_id == user_id, keypairs.c.name == name)
    if not tx.execute(query).rowcount:
        raise _not_found(user_id, name)


def count(tx: sa.Connection, user_id: str) -> int:
    return tx.execute(sa.select(sa.func.count()).where(keypairs.c.user_id == user_id)).scalar_one()


def _not_found(user_id: str, name: str) -> errors.NotFound:
    return errors.NotFound(f'Keypair {name} not found for user {user_id}')
