"""A cell: a database and a bus of its own, with the hosts that use them."""

import dataclasses
import string
import urllib.parse

CELL0_ID = '00000000-0000-0000-0000-000000000000'


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell's mapping. The URLs are ready for use, or templates as an operator wrote them."""

    id: str
    name: str | None
    transport_url: str
    database_connection: str
    disabled: bool = False

    @property
    def is_cell0(self) -> bool:
        return self.id == CELL0_ID


@dataclasses.dataclass(frozen=True)
class Down:
    """Stands for the answer of a cell that gave none."""

    cell: Cell
    reason: str


def fill_template(template: str, local_url: str | None) -> str:
    """The URL that a mapping's template gives on this machine, with `{username}`, `{hostname}`... taken from `local_url`.

    A netloc of several hosts also gives `{username1}`, `{hostname1}`... in order. What the local URL cannot fill is left as it is.
    """
    if '{' not in template or not local_url:
        return template
    values = _url_parts(local_url)
    try:
        wanted = [name for _text, name, _spec, _conversion in string.Formatter().parse(template) if name]
        return template.format_map(values) if all(name in values for name in wanted) else template
    except ValueError:
        return template


def _url_parts(url: str) -> dict[str, str]:
    parts = urllib.parse.urlsplit(url)
    values = {
        'scheme': parts.scheme,
        'path': parts.path.lstrip('/'),
        'query': parts.query,
        'fragment': parts.fragment,
    }
    for position, netloc in enumerate(parts.netloc.split(','), 1):
        user, _at, address = netloc.rpartition('@')
        username, _colon, password = user.partition(':')
        hostname, _colon, port = _host_and_port(address)
        found = {'username': username, 'password': password, 'hostname': hostname, 'port': port}
        if position == 1:
            values |= found
        values |= {f'{name}{position}': value for name, value in found.items()}
    return values


def _host_and_port(address: str) -> tuple[str, str, str]:
    if address.startswith('['):
        host, _bracket, rest = address.partition(']')
        return f'{host}]', ':', rest.removeprefix(':')
    return address.partition(':')
