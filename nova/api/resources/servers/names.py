"""Name servers: one name for each of several, host names that any guest accepts, and the ids that users see."""

import re
import secrets
import string
import unicodedata
from collections.abc import Iterable

from nova import errors
from nova.api.request import Request
from nova.db.stores import operations, servers
from nova.domain.cell import Down
from nova.domain.server import Server

NAME_LENGTH, HOSTNAME_LENGTH = 255, 63
# Letters and digits that are not mistaken for one another.
_READABLE = [c for c in string.ascii_letters + string.digits if c not in 'IOl01']


def names_of(name: str, count: int, longest: int = NAME_LENGTH) -> list[str]:
    """The names of servers that are asked for together."""
    if count == 1:
        return [name]
    if len(name) + len(f'-{count}') > longest:
        raise errors.Invalid(f'The name {name[:32]}... is too long to be numbered from 1 to {count}.')
    return [f'{name}-{number + 1}' for number in range(count)]


def hostnames_of(hostname: str, count: int) -> list[str]:
    """The host names of servers that are asked for together. Of a full name the first part is numbered."""
    first, dot, domain = hostname.partition('.')
    found = [f'{name}{dot}{domain}' for name in names_of(first, count, HOSTNAME_LENGTH)]
    if len(found[-1]) > NAME_LENGTH:
        raise errors.Invalid(f'The host name {hostname[:32]}... is too long to be numbered from 1 to {count}.')
    return found


def refuse_taken(request: Request, wanted: Iterable[str], project_id: str) -> None:
    """Raise Conflict if a server has one of the names, where the operator wants them unique in a project, or at all."""
    scope = request.settings.unique_server_name_scope
    if not scope:
        return
    within, asked = project_id if scope == 'project' else None, list(wanted)
    with request.databases.api.reading() as tx:
        found = [{server.name for server in operations.building(tx, within)}]
    answers = request.databases.across_cells(lambda tx, cell: servers.taken(tx, asked, within))
    found += [answer for answer in answers.values() if not isinstance(answer, Down)]
    taken = {name.lower() for names in found for name in names}
    for name in asked:
        if name.lower() in taken:
            raise errors.Conflict(f'Another instance is already named {name}.')


def refuse_another(request: Request, server: Server, name: str | None) -> None:
    """`refuse_taken` for a server that shall get the name; it may keep its own, in small letters or capitals."""
    if name and name.lower() != server.name.lower():
        refuse_taken(request, [name], server.project_id)


def hostname_of(name: str, server_id: str) -> str:
    """The host name that a guest gets from its server's name; from its id if the name has no letter that serves."""
    plain = unicodedata.normalize('NFKD', name).encode('ascii', 'ignore').decode()
    dashed = re.sub(r'[ _.]', '-', plain)
    usable = re.sub(r'[^A-Za-z0-9-]+', '', dashed).lower()
    return usable.strip('-')[:HOSTNAME_LENGTH].rstrip('-') or f'server-{server_id}'


def new_reservation_id() -> str:
    return 'r-' + ''.join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))


def new_password(length: int) -> str:
    """A password with a small letter, a capital and a digit, if it is long enough for them."""
    kinds = [
        [c for c in _READABLE if c.islower()],
        [c for c in _READABLE if c.isupper()],
        [c for c in _READABLE if c.isdigit()],
    ]
    letters = [secrets.choice(kind) for kind in kinds][:length]
    letters += [secrets.choice(_READABLE) for _ in range(length - len(letters))]
    secrets.SystemRandom().shuffle(letters)
    return ''.join(letters)
