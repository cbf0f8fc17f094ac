"""Count the servers of each host once a period, for the usage audit log."""

import dataclasses
import datetime
import logging
import time
from collections.abc import Collection, Iterable
from typing import Any

from nova.conductor.reconcilers.reconciler import Reconciler
from nova.context import admin_context
from nova.db.stores import hosts, servers, usage_audits
from nova.domain.cell import Cell
from nova.domain.notifications import payloads
from nova.domain.notifications.servers import EXISTS, payload
from nova.domain.queries import ServerQuery
from nova.domain.usage_audit import DONE, UsageAudit, last_period

LOG = logging.getLogger(__name__)

INTERVAL = 60
# A run takes seconds; one that has not ended by then has lost its conductor.
GIVEN_UP_AFTER = datetime.timedelta(hours=1)
# How many servers are read at a time.
TOLD_AT_ONCE = 500


def due(
    seen: dict[str, datetime.datetime], known: Collection[str], now: datetime.datetime, down_time: int
) -> list[str]:
    """The hosts that live, and have not been counted. `down_time` seconds without a sign of life are too many."""
    since = now - datetime.timedelta(seconds=down_time)
    return sorted(host for host, at in seen.items() if host not in known and at >= since)


def repair(cloud: Any) -> None:
    if cloud.usage_audit_period is None:
        return
    period = last_period(cloud.usage_audit_period, cloud.now())
    for cell in cloud.databases.cells():
        if not cell.is_cell0:
            _audit(cloud, cell, *period)


def _audit(cloud: Any, cell: Cell, beginning: datetime.datetime, ending: datetime.datetime) -> None:
    database, now, began = cloud.databases.cell(cell.id), cloud.now(), time.monotonic()
    with database.reading() as tx:
        known = {audit.host for audit in usage_audits.listing(tx, beginning, ending)}
        wanted = due(hosts.seen(tx), known, now, cloud.service_down_time)
    if not wanted:
        with database.writing() as tx:
            usage_audits.restart(tx, now - GIVEN_UP_AFTER)
        return
    audits = [UsageAudit(host, beginning, ending) for host in wanted]
    with database.writing() as tx:
        if not usage_audits.begin(tx, audits):
            return
    with database.reading() as tx:
        counts = usage_audits.count_servers(tx, beginning, ending)
    with database.writing() as tx:
        usage_audits.end(tx, _ended(audits, counts, time.monotonic() - began))
    if cloud.notifier.on:
        _tell(cloud.notifier, database, wanted, beginning, ending)
    LOG.info('The usage of %d hosts from %s to %s was audited.', len(wanted), beginning, ending)


def _tell(
    notifier: Any, database: Any, hosts: list[str], beginning: datetime.datetime, ending: datetime.datetime
) -> None:
    """Tell of each server that there was, so many at a time."""
    with database.reading() as tx:
        ids = usage_audits.servers_of(tx, hosts, beginning, ending)
    context, period = admin_context(), payloads.audit_period(beginning, ending)
    for start in range(0, len(ids), TOLD_AT_ONCE):
        with database.reading() as tx:
            found = servers.listing(tx, ServerQuery(ids=tuple(ids[start : start + TOLD_AT_ONCE]), deleted=None))
        notifier.send(
            [
                notifier.notification(
                    'nova-compute',
                    'instance.exists',
                    payload(EXISTS, server, context, audit_period=period),
                    host=server.host,
                )
                for server in found
            ]
        )


def _ended(audits: Iterable[UsageAudit], counts: dict[str, int], seconds: float) -> list[UsageAudit]:
    return [
        dataclasses.replace(
            audit,
            state=DONE,
            servers=counts.get(audit.host, 0),
            message=f'Instance usage audit ran for host {audit.host}, {counts.get(audit.host, 0)} instances in '
            f'{seconds:.2f} seconds.',
        )
        for audit in audits
    ]


USAGE_AUDITS = Reconciler('usage audits', INTERVAL, repair)
