"""Which day's API a request speaks: read it from the headers, compare it, answer it."""

import re
import typing
from collections.abc import Mapping

from nova import errors

HEADER = 'OpenStack-API-Version'
OLD_HEADER = 'X-OpenStack-Nova-API-Version'
_SERVICES = ('compute', 'nova')
_FORM = re.compile(r'([1-9]\d{0,3})\.([1-9]\d{0,3}|0)')


class NotAcceptable(errors.Invalid):
    """The version asked for is none that we speak."""


class Version(typing.NamedTuple):
    """A microversion. It compares with plain pairs: `request.version >= (2, 47)`."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f'{self.major}.{self.minor}'

    @classmethod
    def parse(cls, text: str) -> 'Version':
        form = _FORM.fullmatch(text.strip())
        if not form:
            raise errors.Invalid(
                f'API Version String {text[:64]} is of invalid format. Must be of format MajorNum.MinorNum.'
            )
        return cls(int(form[1]), int(form[2]))


MIN = Version(2, 1)
# The newest that every route below answers in full.
MAX = Version(2, 96)


def negotiate(headers: Mapping[str, str]) -> Version:
    """The version that the headers ask for; 2.1 if they do not ask."""
    wanted = _wanted(headers)
    if wanted is None:
        return MIN
    if wanted == 'latest':
        return MAX
    version = Version.parse(wanted)
    if not MIN <= version <= MAX:
        raise NotAcceptable(f'Version {version} is not supported by the API. Minimum is {MIN} and maximum is {MAX}.')
    return version


def answer_headers(version: Version) -> list[tuple[str, str]]:
    """What an answer says of its version."""
    return [
        (HEADER, f'compute {version}'),
        (OLD_HEADER, str(version)),
        ('Vary', HEADER),
        ('Vary', OLD_HEADER),
    ]


def _wanted(headers: Mapping[str, str]) -> str | None:
    for entry in (headers.get(HEADER) or '').split(','):
        service, _, version = entry.strip().partition(' ')
        if service.lower() in _SERVICES and version:
            return version.strip()
    old = headers.get(OLD_HEADER)
    return old.strip() if old else None
