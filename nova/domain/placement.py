"""What Placement keeps: providers of resources, what they have, and who has claimed it."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Provider:
    """Something that has resources, such as a host. The generation changes with everything that is claimed of it."""

    id: str
    name: str
    generation: int


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is looked for. Two requests that want the same are equal, and can share an answer."""

    resources: tuple[tuple[str, int], ...]
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    member_of: tuple[str, ...] = ()
    in_tree: str | None = None


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One way to satisfy a request: how much of what from which provider, and how much is free there."""

    # Amounts by resource class, by provider.
    allocations: Mapping[str, Mapping[str, int]]
    # The roots of those providers; one of them is the host.
    roots: tuple[str, ...]
    free: Mapping[str, Mapping[str, int]]


@dataclasses.dataclass(frozen=True)
class Claim:
    """What one consumer takes. `generation` is None for a consumer that has nothing yet."""

    consumer_id: str
    project_id: str
    user_id: str
    allocations: Mapping[str, Mapping[str, int]]
    generation: int | None = None
    consumer_type: str = 'INSTANCE'
