"""Believe what a proxy in front of the API says of a request: which address the client used, and which it has.

oslo.middleware's HTTPProxyToWSGI takes quotes, ports and whole lists of proxies for a part of the client's address.
"""

import re
from collections.abc import Mapping
from typing import Any

_SCHEMES = ('http', 'https')
_WITH_PORT = re.compile(r'(\[.*\]|[^:]*):\d+')


def believe(environ: dict[str, Any]) -> None:
    """Let the request look as the client sent it. Only for an API that nobody reaches but through the proxy."""
    said = _forwarded(environ['HTTP_FORWARDED']) if environ.get('HTTP_FORWARDED') else _by_custom(environ)
    if said.get('proto', '').lower() in _SCHEMES:
        environ['wsgi.url_scheme'] = said['proto'].lower()
    if said.get('host'):
        environ['HTTP_HOST'] = said['host']
    if said.get('for'):
        environ['REMOTE_ADDR'] = _address(said['for'])
    if prefix := environ.get('HTTP_X_FORWARDED_PREFIX', '').rstrip('/'):
        environ['SCRIPT_NAME'] = prefix + environ.get('SCRIPT_NAME', '')


def _forwarded(text: str) -> dict[str, str]:
    """The pairs of the first element (RFC 7239), which tells of the client."""
    pairs = (pair.partition('=') for pair in text.split(',')[0].split(';'))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _by_custom(environ: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: environ.get(f'HTTP_X_FORWARDED_{name.upper()}', '').split(',')[0].strip()
        for name in ('proto', 'host', 'for')
    }


def _address(text: str) -> str:
    """Without its port, and an IPv6 address without its brackets."""
    with_port = _WITH_PORT.fullmatch(text)
    return (with_port[1] if with_port else text).strip('[]')
