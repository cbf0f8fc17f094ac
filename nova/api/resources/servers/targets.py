"""Check where a server is wanted to be."""

from nova import errors
from nova.api.request import Request
from nova.db.stores import aggregates, host_mappings


def refuse_unknown_zone(request: Request, zone: str | None) -> None:
    """Raise Invalid for an availability zone that no host is in."""
    if not zone or zone == request.settings.default_availability_zone:
        return
    with request.databases.api.reading() as tx:
        if zone not in aggregates.zones(tx).values():
            raise errors.Invalid('The requested availability zone is not available')


def refuse_unknown_host(request: Request, host: str | None) -> None:
    """Raise Invalid for a host that no cell has."""
    if not host:
        return
    with request.databases.api.reading() as tx:
        if host_mappings.find(tx, host) is None:
            raise errors.Invalid(f'Compute host {host} could not be found.')
