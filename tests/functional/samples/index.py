"""The published samples: what each one is, which call it belongs to, and how that call is answered."""

import dataclasses
import functools
import re
from pathlib import Path
from typing import Any

from nova.api.microversions import Version
from tests import published
from tests.standing.published_calls import rows

# In a path: not below /v2.1.
ROOT = '(root)'


@dataclasses.dataclass(frozen=True, order=True)
class Sample:
    """A file of tests/samples. Its `route` is as it is cited, or empty."""

    folder: str
    version: Version
    name: str
    kind: str
    route: str
    path: str

    @property
    def body(self) -> Any:
        return published.sample(self.path)


@dataclasses.dataclass(frozen=True)
class Published:
    """What is published of a call: the versions it lives in, the statuses that say yes, and who may."""

    method: str
    path: str
    action: str
    last: Version | None
    statuses: frozenset[int]
    access: str

    @property
    def gone(self) -> bool:
        return self.statuses == {410}


@functools.cache
def samples() -> tuple[Sample, ...]:
    found = []
    for row in rows('samples_index.csv'):
        name = Path(row['path']).stem
        route = row['route'].split(' | ')[0]
        found.append(Sample(row['folder'], Version.parse(row['microversion']), name, row['kind'], route, row['path']))
    return tuple(sorted(found))


def at_or_before(folder: str, name: str, version: Version) -> Sample | None:
    """The sample of this name that holds at a version."""
    found = [sample for sample in samples() if (sample.folder, sample.name) == (folder, name)]
    return max((sample for sample in found if sample.version <= version), default=None)


def call(method: str, path: str, action: str | None) -> Published | None:
    """The published call at a path, which may have names or values in the place of parameters."""
    found = [
        entry
        for entry in _calls()
        if entry.method == method and entry.action in (action or '', '') and _fits(entry.path, path)
    ]
    # The one with the fewest parameters is meant, and rather the action than the path that has it.
    return min(found, key=lambda entry: (entry.path.count('{'), not entry.action), default=None)


@functools.cache
def _calls() -> tuple[Published, ...]:
    return tuple(
        Published(
            method=row['method'],
            path=row['path'].replace('(root) ', ROOT),
            action=row['action'],
            last=Version.parse(row['last_microversion']) if row['last_microversion'] else None,
            statuses=frozenset(int(code) for code in row['success_codes'].split('/')),
            access=row['default_access_newest'],
        )
        for row in rows('routes.csv')
    )


def _fits(pattern: str, path: str) -> bool:
    return re.fullmatch(re.sub(r'\\\{\w+\\\}', '[^/]+', re.escape(pattern)), path) is not None
