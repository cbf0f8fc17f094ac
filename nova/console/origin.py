"""Decide which web pages may open a console."""

import dataclasses
from collections.abc import Sequence
from urllib.parse import urlsplit


@dataclasses.dataclass(frozen=True)
class Origins:
    """The hosts whose pages may open a console, and the schemes that those pages may have been loaded by.

    Both come from configuration alone: nothing in a request or a token can widen them.
    """

    hosts: frozenset[str]
    schemes: frozenset[str]

    @classmethod
    def of(cls, base_urls: Sequence[str], allowed: Sequence[str]) -> 'Origins':
        """Those of the pages that the API sends users to, and of further hosts, given as hosts or as URLs."""
        parts = [urlsplit(url) for url in base_urls]
        others = {urlsplit(entry if '//' in entry else f'//{entry}').hostname for entry in allowed}
        hosts = {part.hostname for part in parts} | others
        schemes = {{'ws': 'http', 'wss': 'https'}.get(part.scheme, part.scheme) for part in parts}
        return cls(frozenset(host for host in hosts if host), frozenset(schemes))

    def refuse(self, origin: str | None) -> str | None:
        """Why a page of this origin may not open a console, or None. Clients that are no browsers name no origin."""
        if origin is None:
            return None
        try:
            parts = urlsplit(origin)
            host = parts.hostname
        except ValueError:
            return 'Origin header is malformed.'
        if not host or host not in self.hosts:
            return 'Origin header does not match this host.'
        if parts.scheme not in self.schemes:
            return 'Origin header protocol does not match.'
        return None
