"""Where a request wants its servers to be: a zone for everybody, a host for administrators."""

import dataclasses
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers import targets
from nova.db.stores import hosts
from nova.domain.cell import Down

FORCED_HOST = policy.admin('os_compute_api:servers:create:forced_host', 'Creates a server on a chosen host or node.')
REQUESTED_DESTINATION = policy.admin(
    'compute:servers:create:requested_destination', 'Creates a server on a host that the scheduler finds fit, too.'
)


@dataclasses.dataclass(frozen=True)
class Place:
    """`forced` is for `zone:host`, which skips the filters; `host` from 2.74 on does not."""

    zone: str | None = None
    host: str | None = None
    node: str | None = None
    forced: bool = False


def wanted(request: Request) -> Place:
    """The place asked for, which exists and may be asked for by this caller."""
    place = parse(request.body, request.settings.default_schedule_zone)
    if place.forced:
        request.require(FORCED_HOST)
    elif place.host or place.node:
        request.require(REQUESTED_DESTINATION)
    targets.refuse_unknown_zone(request, place.zone)
    targets.refuse_unknown_host(request, place.host)
    if place.node:
        _refuse_unknown_node(request, place)
    return place


def _refuse_unknown_node(request: Request, place: Place) -> None:
    answers = request.databases.across_cells(lambda tx, cell: hosts.has_node(tx, place.node, place.host))
    if not any(answer for answer in answers.values() if not isinstance(answer, Down)):
        raise errors.Invalid(f'Compute host {place.node} could not be found.')


def parse(body: dict[str, Any], default_zone: str | None) -> Place:
    """What `availability_zone`, `host` and `hypervisor_hostname` say together."""
    zone, *rest = (body.get('availability_zone') or '').split(':')
    host, node = body.get('host'), body.get('hypervisor_hostname')
    if not rest:
        return Place(zone or default_zone, host, node)
    if host or node:
        raise errors.Invalid(
            'Requested host or hypervisor_hostname cannot be given together with a host in availability_zone.'
        )
    if len(rest) > 2:
        raise errors.Invalid(f'Unable to parse availability_zone {body["availability_zone"]}: use zone:host:node.')
    return Place(zone or None, rest[0] or None, (rest[1] or None) if len(rest) == 2 else None, forced=True)
