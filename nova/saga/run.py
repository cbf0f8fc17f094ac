"""Run an operation: do its steps, or undo them, from wherever its journal says that it is."""

import enum
import logging
from typing import Any

from nova import errors
from nova.saga.journal import Journal
from nova.saga.step import Step

LOG = logging.getLogger(__name__)

# An undo that fails is tried so often before an operator is asked.
UNDO_TRIES = 5


class Outcome(enum.Enum):
    """How a run ended. `POSTPONED` and `STUCK` are not the end of the operation."""

    DONE = 'done'
    FAILED = 'failed'
    POSTPONED = 'postponed'
    STUCK = 'stuck'


class _Postponed(Exception):
    """A step has to wait for something that does not answer."""


class _Stuck(Exception):
    """An undo failed too often."""


def run(operation: Any, cloud: Any, journal: Journal) -> Outcome:
    """Do the steps that the journal lacks; on failure undo those that it has, newest first, and perhaps try again."""
    try:
        while True:
            if not journal.undoing and _do(operation, cloud, journal):
                return Outcome.DONE
            _unwind(operation, cloud, journal)
            if not _worth_another_try(operation, cloud, journal):
                journal.close(operation, cloud)
                return Outcome.FAILED
            _begin_again(journal)
    except _Postponed:
        return Outcome.POSTPONED
    except _Stuck:
        return Outcome.STUCK


def _begin_again(journal: Journal) -> None:
    try:
        journal.try_again()
    except errors.Refused as failure:
        # Deleted, or out of time, before anything was done again: there is nothing to undo but the intent.
        journal.turn(failure)


def _do(operation: Any, cloud: Any, journal: Journal) -> bool:
    """Whether all steps are done; if not, the journal has been turned to undoing."""
    try:
        for step in operation.steps:
            if step.applies(operation) and not journal.has(step.name):
                _do_one(operation, cloud, journal, step)
        journal.close(operation, cloud)
        return True
    except (_Postponed, errors.LeaseLost, errors.ServiceDown):
        # A ServiceDown that gets here is the journal's own: whoever can write it goes on from where it stands.
        raise
    except Exception as failure:
        level = logging.INFO if isinstance(failure, errors.Refused) else logging.WARNING
        LOG.log(level, '%s turns back: %s', operation, failure, exc_info=not isinstance(failure, errors.NovaError))
        journal.turn(failure)
        return False


def _do_one(operation: Any, cloud: Any, journal: Journal, step: Step) -> None:
    journal.begin(step.name, step.shows)
    try:
        result = step.do(operation, cloud, journal)
    except errors.ServiceDown as failure:
        journal.postpone(step.name, failure)
        tired = step.patience is not None and journal.postponed(step.name) > step.patience
        if tired and isinstance(failure, errors.HostAway):
            raise errors.HostFailed(str(failure)) from failure
        LOG.info('%s waits in step %s: %s', operation, step.name, failure)
        raise _Postponed from failure
    journal.did(step.name, result)


def _unwind(operation: Any, cloud: Any, journal: Journal) -> None:
    for step in reversed(operation.steps):
        if step.undo and journal.may_have_run(step.name):
            _undo_one(operation, cloud, journal, step)


def _undo_one(operation: Any, cloud: Any, journal: Journal, step: Step) -> None:
    try:
        step.undo(operation, cloud, journal)
    except errors.LeaseLost:
        raise
    except (errors.ServiceDown, errors.Unavailable) as failure:
        LOG.info('%s waits to undo %s: %s', operation, step.name, failure)
        journal.postpone(step.name, failure)
        raise _Postponed from failure
    except Exception as failure:
        LOG.exception('%s could not undo %s.', operation, step.name)
        journal.undo_failed(step.name, failure)
        raise (_Stuck if journal.undo_failures(step.name) >= UNDO_TRIES else _Postponed) from failure
    journal.undid(step.name)


def _worth_another_try(operation: Any, cloud: Any, journal: Journal) -> bool:
    more = journal.page.attempt < operation.attempts(cloud)
    return more and isinstance(journal.raised(), operation.worth_another_try)
