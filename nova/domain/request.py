"""What the scheduler is asked, and what it answers."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from nova.domain.flavor import Flavor
from nova.domain.server import Server, ServerRequest

TRUSTED_CERTS = 'COMPUTE_TRUSTED_CERTS'

AFFINITY, ANTI_AFFINITY = 'affinity', 'anti-affinity'
SOFT_AFFINITY, SOFT_ANTI_AFFINITY = 'soft-affinity', 'soft-anti-affinity'


@dataclasses.dataclass(frozen=True)
class GroupPlaces:
    """What a server group asks, and where its other members are: the hosts of each that has any, by server id."""

    policy: str
    most_per_host: int = 1
    members: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def on(self, host: str) -> int:
        return sum(host in hosts for hosts in self.members.values())

    def refuses(self, host: str) -> str | None:
        """Why a further member cannot be on the host; None if it can."""
        if self.policy == AFFINITY and self.members and not self.on(host):
            together = ', '.join(sorted({name for hosts in self.members.values() for name in hosts}))
            return f'The server group keeps its members together on {together}.'
        if self.policy == ANTI_AFFINITY and self.on(host) >= self.most_per_host:
            return f'It has {self.on(host)} members of the server group; {self.most_per_host} are allowed.'
        return None

    def joined(self, others: Mapping[str, str]) -> 'GroupPlaces':
        """With further members, each on its host, that have none yet."""
        new = {server_id: (host,) for server_id, host in others.items() if server_id not in self.members}
        return dataclasses.replace(self, members=self.members | new)


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
    # The server is on its host already, and has its former room there besides.
    stays: bool = False
    # Filled in by the scheduler: the server's group, and the hosts of the servers that the hints name.
    group: GroupPlaces | None = None
    places: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def named(self, hint: str) -> tuple[str, ...]:
        """The servers that a hint names: one, or several."""
        given = self.scheduler_hints.get(hint) or ()
        return (given,) if isinstance(given, str) else tuple(given)


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


# Where a server is to be, compared with others, as its user wished when it was new.
SAME_HOST, DIFFERENT_HOST = 'same_host', 'different_host'
OF_PLACE = frozenset({SAME_HOST, DIFFERENT_HOST, 'query', 'build_near_host_ip', 'cidr'})


def stay_request(server: Server, flavor: Flavor) -> PlacementRequest:
    """What to ask the scheduler for a server that gets another flavor on the host that it is on."""
    return PlacementRequest(
        server_id=server.id,
        project_id=server.project_id,
        user_id=server.user_id,
        resources=flavor.resources(),
        required_traits=(TRUSTED_CERTS,) if server.trusted_image_certificates else (),
        availability_zone=server.pinned_availability_zone,
        image_properties=server.image_properties,
        extra_specs=flavor.extra_specs,
        flavor_name=flavor.name,
        # Those that chose the host are obeyed no more: it is not chosen anew.
        scheduler_hints={name: hint for name, hint in server.scheduler_hints.items() if name not in OF_PLACE},
        host=server.host,
        node=server.node,
        stays=True,
    )


def placement_request(request: ServerRequest, excluding: tuple[str, ...] = ()) -> PlacementRequest:
    """What to ask the scheduler for a server that is being created."""
    return PlacementRequest(
        server_id=request.server_id,
        project_id=request.project_id,
        user_id=request.user_id,
        resources=request.flavor.resources(),
        # Only a host that verifies them may have a server whose image they must vouch for.
        required_traits=(TRUSTED_CERTS,) if request.trusted_image_certificates else (),
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


def rebuild_request(server: Server) -> PlacementRequest:
    """What to ask of the host that a server has and keeps, for the image that it shall have."""
    return PlacementRequest(
        server_id=server.id,
        project_id=server.project_id,
        user_id=server.user_id,
        resources=server.flavor.resources(),
        required_traits=(TRUSTED_CERTS,) if server.trusted_image_certificates else (),
        image_properties=server.image_properties,
        flavor_name=server.flavor.name,
    )
