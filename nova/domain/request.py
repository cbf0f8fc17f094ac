"""What the scheduler is asked, and what it answers."""

import dataclasses
from typing import Any

from nova.domain.server import ServerRequest


@dataclasses.dataclass(frozen=True)
class PlacementRequest:
    """A server that needs a host: what it takes, what the host must offer, and which hosts have failed it already."""

    server_id: str
    project_id: str
    user_id: str
    resources: dict[str, int]
    required_traits: tuple[str, ...] = ()
    forbidden_traits: tuple[str, ...] = ()
    availability_zone: str | None = None
    image_properties: dict[str, Any] = dataclasses.field(default_factory=dict)
    extra_specs: dict[str, str] = dataclasses.field(default_factory=dict)
    flavor_name: str = ''
    scheduler_hints: dict[str, Any] = dataclasses.field(default_factory=dict)
    host: str | None = None
    node: str | None = None
    forced: bool = False
    excluding: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Selection:
    """The host that was chosen and claimed in Placement for one server."""

    server_id: str
    host: str
    node: str
    node_id: str
    cell_id: str
    availability_zone: str | None = None


@dataclasses.dataclass(frozen=True)
class Choice:
    """The scheduler's answer for one server: the selection, or None; and for each host left out, why (goes to the journal)."""

    selection: Selection | None
    rejected: dict[str, str] = dataclasses.field(default_factory=dict)


def placement_request(request: ServerRequest, excluding: tuple[str, ...] = ()) -> PlacementRequest:
    """What to ask the scheduler for a server that is being created."""
    return PlacementRequest(
        server_id=request.server_id,
        project_id=request.project_id,
        user_id=request.user_id,
        resources=request.flavor.resources(),
        availability_zone=request.availability_zone,
        image_properties=request.image_properties,
        extra_specs=request.flavor.extra_specs,
        flavor_name=request.flavor.name,
        scheduler_hints=request.scheduler_hints,
        host=request.host,
        node=request.node,
        forced=request.forced,
        excluding=excluding,
    )
