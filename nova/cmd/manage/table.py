"""Print a table that people and scripts can read."""

from collections.abc import Iterable, Sequence


def show(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    cells = [[str(value) for value in row] for row in rows]
    widths = [max(len(line[column]) for line in [list(titles), *cells]) for column in range(len(titles))]
    rule = '+'.join(['', *('-' * (width + 2) for width in widths), ''])
    print(rule)
    print(_line(titles, widths))
    print(rule)
    for row in cells:
        print(_line(row, widths))
    if cells:
        print(rule)


def mask(url: str) -> str:
    """The URL with its passwords hidden."""
    scheme, separator, rest = url.partition('://')
    netloc, slash, path = rest.partition('/')
    if '@' not in netloc:
        return url
    parts = netloc.split(',')
    # A comma in a password, or a host without a user: rather too much is hidden than too little.
    several = all('@' in part for part in parts)
    hidden = ','.join(_mask_one(part) for part in parts) if several else _mask_one(netloc)
    return f'{scheme}{separator}{hidden}{slash}{path}'


def _mask_one(netloc: str) -> str:
    user, _at, address = netloc.rpartition('@')
    name, colon, _password = user.partition(':')
    return f'{name}:****@{address}' if colon else netloc


def _line(values: Sequence[str], widths: Sequence[int]) -> str:
    return '|'.join(['', *(f' {value.ljust(width)} ' for value, width in zip(values, widths, strict=True)), ''])
