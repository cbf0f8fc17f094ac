"""Tell whether a host can go on with a server that gets another image. Room and place are the server's already."""

from collections.abc import Collection, Iterable

from nova.domain.host import Host
from nova.domain.request import PlacementRequest
from nova.scheduler import wanted as wanting
from nova.scheduler.place import Filter


def objection(host: Host, request: PlacementRequest, filters: Iterable[Filter], traits: Collection[str]) -> str | None:
    """What the image asks for and the host has not, or must not have, as a sentence. `traits` are Placement's."""
    for rule in filters:
        if getattr(rule, 'judges_images', False) and (why := rule.reject(host, request)):
            return why
    asked = wanting.wanted(request)
    lacking = [name for name in asked.required if name not in traits]
    if lacking:
        return f'It lacks the trait {lacking[0]}.'
    # That it takes no new servers is no reason to give up one that it has.
    unwanted = [name for name in asked.forbidden if name in traits and name != wanting.DISABLED]
    return f'It has the trait {unwanted[0]}, which must not be.' if unwanted else None
