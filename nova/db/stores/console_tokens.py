"""Keep the leave to open consoles, by the hash of its token."""

import datetime

import sqlalchemy as sa

from nova.db.tables.console_tokens import console_tokens
from nova.db.tables.types import now as present
from nova.domain.guest import ConsoleAddress, ConsoleGrant


def create(tx: sa.Connection, token_hash: str, grant: ConsoleGrant) -> None:
    address = grant.address
    tx.execute(
        sa.insert(console_tokens).values(
            token_hash=token_hash,
            server_id=grant.server_id,
            kind=address.kind,
            host=address.host,
            port=address.port,
            tls_port=address.tls_port,
            path=address.path,
            access_url_base=grant.access_url_base,
            expires_at=grant.expires_at,
            created_at=present(),
        )
    )


def authorize(tx: sa.Connection, token_hash: str, now: datetime.datetime) -> ConsoleGrant | None:
    """What the token allows, or None if there is no such token or its time is over."""
    columns = console_tokens.c
    query = sa.select(
        columns.server_id,
        columns.kind,
        columns.host,
        columns.port,
        columns.tls_port,
        columns.path,
        columns.access_url_base,
        columns.expires_at,
    ).where(columns.token_hash == token_hash, columns.expires_at > now)
    row = tx.execute(query).first()
    if row is None:
        return None
    return ConsoleGrant(
        row.server_id,
        ConsoleAddress(row.kind, row.host, row.port, row.tls_port, row.path),
        row.access_url_base,
        row.expires_at,
    )


def expire(tx: sa.Connection, now: datetime.datetime) -> int:
    """Remove the tokens whose time is over; how many those were."""
    return tx.execute(sa.delete(console_tokens).where(console_tokens.c.expires_at <= now)).rowcount


def remove(tx: sa.Connection, server_id: str) -> None:
    """Withdraw all leave to open the server's consoles."""
    tx.execute(sa.delete(console_tokens).where(console_tokens.c.server_id == server_id))
