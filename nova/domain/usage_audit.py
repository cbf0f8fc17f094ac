"""The periods in which servers' usage is counted, and what came of counting it on one host."""

import calendar
import dataclasses
import datetime

RUNNING, DONE = 'RUNNING', 'DONE'


@dataclasses.dataclass(frozen=True)
class UsageAudit:
    """One host's run for one period."""

    host: str
    period_beginning: datetime.datetime
    period_ending: datetime.datetime
    state: str = RUNNING
    servers: int = 0
    errors: int = 0
    message: str = ''


def last_period(period: str, before: datetime.datetime) -> tuple[datetime.datetime, datetime.datetime]:
    """The beginning and the end of the last whole period that is over at a moment.

    A period is a unit, perhaps with an offset into it: those of `month@5` begin on the fifth of each month.
    """
    unit, _at, offset = period.partition('@')
    ending = _boundary(unit, int(offset) if offset else None, before)
    beginning = _boundary(unit, int(offset) if offset else None, ending - datetime.timedelta(microseconds=1))
    return beginning, ending


def _boundary(unit: str, offset: int | None, moment: datetime.datetime) -> datetime.datetime:
    """The last moment, not after this one, at which a period begins."""
    here = _begin(unit, offset, moment)
    if here <= moment:
        return here
    return _begin(unit, offset, _begin(unit, None, moment) - datetime.timedelta(microseconds=1))


def _begin(unit: str, offset: int | None, moment: datetime.datetime) -> datetime.datetime:
    """When the period begins in the hour, day, month or year of a moment."""
    hour = moment.replace(minute=0, second=0, microsecond=0)
    if unit == 'hour':
        return hour.replace(minute=min(offset or 0, 59))
    day = hour.replace(hour=0)
    if unit == 'day':
        return day.replace(hour=min(offset or 0, 23))
    if unit == 'month':
        last = calendar.monthrange(moment.year, moment.month)[1]
        return day.replace(day=min(max(offset or 1, 1), last))
    return day.replace(month=min(max(offset or 1, 1), 12), day=1)
