"""Keep which hosts' servers were counted for a period, and count them."""

import dataclasses
import datetime
from collections.abc import Iterable

import sqlalchemy as sa
import sqlalchemy.exc

from nova.db.tables.servers import servers
from nova.db.tables.types import now as present
from nova.db.tables.usage_audits import usage_audits
from nova.domain.usage_audit import RUNNING, UsageAudit

_columns = tuple(usage_audits.c[field.name] for field in dataclasses.fields(UsageAudit))


def listing(tx: sa.Connection, beginning: datetime.datetime, ending: datetime.datetime) -> list[UsageAudit]:
    """The runs of exactly this period, by host."""
    columns = usage_audits.c
    this = (columns.period_beginning == beginning, columns.period_ending == ending)
    return [UsageAudit(*row) for row in tx.execute(sa.select(*_columns).where(*this).order_by(columns.host))]


def begin(tx: sa.Connection, audits: Iterable[UsageAudit]) -> bool:
    """Note that runs begin; False if another conductor has begun one of them."""
    at = present()
    rows = [dataclasses.asdict(audit) | {'created_at': at, 'updated_at': at} for audit in audits]
    try:
        with tx.begin_nested():
            tx.execute(sa.insert(usage_audits), rows)
    except sqlalchemy.exc.IntegrityError:
        return False
    return True


def end(tx: sa.Connection, audits: Iterable[UsageAudit]) -> None:
    """Note what came of runs."""
    columns = usage_audits.c
    ending = sa.update(usage_audits).where(
        columns.host == sa.bindparam('at_host'),
        columns.period_beginning == sa.bindparam('from'),
        columns.period_ending == sa.bindparam('to'),
    )
    rows = [
        {
            'at_host': audit.host,
            'from': audit.period_beginning,
            'to': audit.period_ending,
            'state': audit.state,
            'servers': audit.servers,
            'errors': audit.errors,
            'message': audit.message,
            'updated_at': present(),
        }
        for audit in audits
    ]
    if rows:
        tx.execute(ending, rows)


def restart(tx: sa.Connection, begun_before: datetime.datetime) -> int:
    """Forget runs that have not ended, because their conductor has; how many those were."""
    columns = usage_audits.c
    stale = sa.delete(usage_audits).where(columns.state == RUNNING, columns.updated_at < begun_before)
    return tx.execute(stale).rowcount


def count_servers(tx: sa.Connection, beginning: datetime.datetime, ending: datetime.datetime) -> dict[str, int]:
    """How many servers each host had in the period."""
    columns = servers.c
    query = sa.select(columns.host, sa.func.count()).where(*_lived(beginning, ending)).group_by(columns.host)
    return dict(tx.execute(query).all())


def servers_of(
    tx: sa.Connection, hosts: Iterable[str], beginning: datetime.datetime, ending: datetime.datetime
) -> list[str]:
    """The servers that these hosts had in the period."""
    here = servers.c.host.in_(list(hosts))
    return list(tx.execute(sa.select(servers.c.id).where(here, *_lived(beginning, ending))).scalars())


def _lived(beginning: datetime.datetime, ending: datetime.datetime) -> tuple[sa.ColumnElement[bool], ...]:
    columns = servers.c
    return (
        columns.host.is_not(None),
        columns.launched_at < ending,
        sa.or_(columns.terminated_at.is_(None), columns.terminated_at > beginning),
    )
