"""Speak Neutron's REST API: lists with all their pages, single calls, and its refusals in our words."""

import urllib.parse
from collections.abc import Iterable, Sequence
from typing import Any

from nova import errors
from nova.clients.neighbour import Neighbour

NAME = 'Neutron'
IDS_PER_REQUEST = 100  # keeps the URL under the 8 KiB that servers accept

# What a reply's status means for whoever asked. Others are the service's own trouble; so is a 403 to ourselves.
REFUSALS = {
    400: errors.Invalid,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.OverQuota,
}
OVER_QUOTA = 'OverQuota'


class Neutron:
    """The network service as one caller sees it: the cloud itself, or, with `for_user`, one of its users."""

    def __init__(self, adapter: Any, for_user: bool = False, calls: dict[tuple[str, str], int] | None = None):
        self.neighbour = Neighbour(NAME, adapter)
        if calls is not None:
            self.neighbour.calls = calls
        self._refused = REFUSALS.keys() if for_user else REFUSALS.keys() - {403}

    def user(self, adapter: Any) -> 'Neutron':
        """The same service for a user, on an adapter that carries their token; the calls are counted together."""
        return Neutron(adapter, for_user=True, calls=self.neighbour.calls)

    def all(self, path: str, filters: dict[str, Any]) -> list[dict[str, Any]]:
        """All pages of a list."""
        collection = path.replace('-', '_')
        url, found = f'/{path}?{urllib.parse.urlencode(filters, doseq=True)}', []
        while url:
            page = self.call('GET', url)
            found += page[collection]
            following = (link['href'] for link in page.get(f'{collection}_links', ()) if link['rel'] == 'next')
            # Only its query: the service may know itself by another address than we do.
            url = next((f'/{path}?{urllib.parse.urlsplit(href).query}' for href in following), None)
        return found

    def by_ids(self, path: str, idents: Sequence[str]) -> list[dict[str, Any]]:
        return self.having(path, 'id', idents)

    def having(
        self, path: str, name: str, values: Iterable[str], filters: dict[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """The things whose attribute `name` is one of `values`, however many those are."""
        values, found = list(values), []
        for start in range(0, len(values), IDS_PER_REQUEST):
            found += self.all(path, {name: values[start : start + IDS_PER_REQUEST]} | (filters or {}))
        return found

    def call(self, method: str, url: str, body: dict[str, Any] | None = None, missing_ok: bool = False) -> Any:
        """The answer's JSON, None if it has none; with `missing_ok` also if what was asked for is not there."""
        extra = {} if body is None else {'json': body}
        reply = self.neighbour.request(method, f'/v2.0{url}', refused=self._refused, **extra)
        if reply.status_code < 300:
            return reply.json() if reply.content else None
        if reply.status_code == 404 and missing_ok:
            return None
        raise _error(reply)


def _error(reply: Any) -> errors.Refused:
    try:
        fault = reply.json()['NeutronError']
        kind, message = fault['type'], fault['message']
    except (ValueError, KeyError, TypeError):
        kind, message = '', reply.text[:200]
    return errors.OverQuota(message) if kind == OVER_QUOTA else REFUSALS[reply.status_code](message)
