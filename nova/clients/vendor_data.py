"""Read the vendor data that an operator keeps in a file."""

import json
import logging
from collections.abc import Sequence
from typing import Any

from nova.domain.guest_data import Site

LOG = logging.getLogger(__name__)

STATIC = 'StaticJSON'


def site(dhcp_domain: str, providers: Sequence[str], path: str | None) -> Site:
    """What guests are told besides facts about themselves. A file that cannot be read is logged, and is as if empty."""
    if STATIC not in providers:
        return Site(dhcp_domain)
    static = _read(path) if path else {}
    return Site(dhcp_domain, vendor_data=static, vendor_data2={'static': static})


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding='utf-8') as file:
            found = json.load(file)
    except (OSError, ValueError) as failure:
        LOG.warning('Guests get no vendor data: %s cannot be read as JSON (%s).', path, failure)
        return {}
    if not isinstance(found, dict):
        LOG.warning('Guests get no vendor data: %s must hold a JSON object.', path)
        return {}
    return found
