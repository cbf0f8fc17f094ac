"""The published tables of routes and rules, as the standing tests read them."""

import csv
import dataclasses
import re
from pathlib import Path

from nova.api.microversions import MAX, MIN, Version

TABLES = Path(__file__).parents[1] / 'published_tables'


@dataclasses.dataclass(frozen=True)
class Call:
    """A row of routes.csv. `last` is the last version that has it, at most our newest."""

    method: str
    path: str
    action: str | None
    first: Version
    last: Version
    ended: bool
    gone: bool
    statuses: frozenset[int]
    access: str
    rules: tuple[str, ...]

    @property
    def name(self):
        return f'{self.method} {self.path}' + (f' {self.action}' if self.action else '')

    @property
    def key(self):
        return self.method, shape(self.path), self.action


def calls():
    """Those that our versions have."""
    return [call for call in map(_call, rows('routes.csv')) if call.first <= MAX and not call.path.startswith('(root)')]


def rows(name):
    with (TABLES / name).open(newline='') as file:
        return list(csv.DictReader(file))


def shape(path):
    """A path whichever way its parameters are called."""
    return re.sub(r'\{\w+\}', '{}', path)


def before(version):
    return version._replace(minor=version.minor - 1) if version > MIN else None


def after(version):
    return version._replace(minor=version.minor + 1) if version < MAX else None


def _call(row):
    last = Version.parse(row['last_microversion']) if row['last_microversion'] else MAX
    gone = row['success_codes'] == '410'
    return Call(
        method=row['method'],
        path=row['path'],
        action=row['action'] or None,
        first=Version.parse(row['first_microversion']),
        # What is gone says so at every version, whenever it ended before.
        last=MAX if gone else min(last, MAX),
        ended=last < MAX and not gone,
        gone=gone,
        statuses=frozenset(int(code) for code in row['success_codes'].split('/')),
        access=row['default_access_newest'],
        rules=tuple(row['policies'].split()),
    )
