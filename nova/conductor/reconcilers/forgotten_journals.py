"""Forget what was done to servers that were deleted long ago."""

import datetime
import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from nova import errors
from nova.conductor.reconcilers.reconciler import Reconciler
from nova.db.stores import past_journals
from nova.db.stores.past_journals import Past

LOG = logging.getLogger(__name__)

INTERVAL = 3600
# Journals in one transaction; more would keep others from writing for too long.
BATCH = 500


def forgettable(journals: Sequence[Past], kept: dict[str, set[str] | None]) -> list[str]:
    """The ids of those whose server no cell keeps. `kept` is by cell, and None where the cell could not be asked."""
    found = []
    for journal in journals:
        known = set() if journal.cell_id is None else kept.get(journal.cell_id)
        if known is not None and journal.server_id not in known:
            found.append(journal.operation_id)
    return found


def repair(cloud: Any) -> None:
    if cloud.journal_days <= 0:
        return
    before = cloud.now() - datetime.timedelta(days=cloud.journal_days)
    # A conductor inside a cell may have no API database; a super-conductor does this then.
    count = _forget_in_api(cloud, before) if cloud.databases.has_api else 0
    for cell in cloud.databases.cells():
        try:
            count += _forget_in_cell(cloud.databases.cell(cell.id), before)
        except errors.ServiceDown as failure:
            LOG.warning('Old journals stay in cell %s for now: %s', cell.id, failure)
    if count:
        LOG.info('%d journals of servers were forgotten that were deleted before %s.', count, before)


def _forget_in_cell(database: Any, before: datetime.datetime) -> int:
    total = 0
    while True:
        with database.reading() as tx:
            old = past_journals.in_cell(tx, before, BATCH)
        total += _forget(database, old)
        if len(old) < BATCH:
            return total


def _forget_in_api(cloud: Any, before: datetime.datetime) -> int:
    database, total, last = cloud.databases.api, 0, None
    while True:
        with database.reading() as tx:
            old = past_journals.in_api(tx, before, BATCH, last)
        total += _forget(database, forgettable(old, _kept(cloud, old, before)))
        if len(old) < BATCH:
            return total
        last = old[-1]


def _kept(cloud: Any, journals: Sequence[Past], before: datetime.datetime) -> dict[str, set[str] | None]:
    """The servers that each cell keeps of those that the journals are of."""
    asked = defaultdict(set)
    for journal in journals:
        if journal.cell_id is not None:
            asked[journal.cell_id].add(journal.server_id)
    kept: dict[str, set[str] | None] = {}
    for cell_id, server_ids in asked.items():
        try:
            with cloud.databases.cell(cell_id).reading() as tx:
                kept[cell_id] = past_journals.kept_in_cell(tx, server_ids, before)
        except (errors.ServiceDown, errors.NotFound) as failure:
            LOG.warning('Journals of servers in cell %s stay for now: %s', cell_id, failure)
            kept[cell_id] = None
    return kept


def _forget(database: Any, operation_ids: Sequence[str]) -> int:
    return database.write(lambda tx: past_journals.forget(tx, operation_ids)) if operation_ids else 0


FORGOTTEN_JOURNALS = Reconciler('forgotten journals', INTERVAL, repair)
