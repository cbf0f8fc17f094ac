import datetime

import pytest

from nova.domain.usage_audit import last_period


def moment(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ('period', 'before', 'beginning', 'ending'),
    [
        ('hour', '2026-03-01 00:30:00', '2026-02-28 23:00:00', '2026-03-01 00:00:00'),
        ('hour@45', '2026-03-01 00:30:00', '2026-02-28 22:45:00', '2026-02-28 23:45:00'),
        ('hour@15', '2026-03-01 00:30:00', '2026-02-28 23:15:00', '2026-03-01 00:15:00'),
        ('day', '2026-03-01 00:00:00', '2026-02-28 00:00:00', '2026-03-01 00:00:00'),
        ('day@6', '2026-03-01 05:59:59', '2026-02-27 06:00:00', '2026-02-28 06:00:00'),
        ('month', '2026-01-15 12:00:00', '2025-12-01 00:00:00', '2026-01-01 00:00:00'),
        ('month@20', '2026-01-15 12:00:00', '2025-11-20 00:00:00', '2025-12-20 00:00:00'),
        ('month@31', '2026-03-15 12:00:00', '2026-01-31 00:00:00', '2026-02-28 00:00:00'),
        ('year', '2026-01-01 00:00:00', '2025-01-01 00:00:00', '2026-01-01 00:00:00'),
        ('year@4', '2026-03-31 23:00:00', '2024-04-01 00:00:00', '2025-04-01 00:00:00'),
    ],
)
def test_the_last_whole_period(period, before, beginning, ending):
    assert last_period(period, moment(before)) == (moment(beginning), moment(ending))
