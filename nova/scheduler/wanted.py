"""What Placement is asked for, made from a request: amounts and traits."""

import re
from collections.abc import Mapping
from typing import Any

from nova.domain import guest_wishes
from nova.domain.placement import Wanted
from nova.domain.request import PlacementRequest

DISABLED = 'COMPUTE_STATUS_DISABLED'
_RESOURCE = re.compile(r'resources:([A-Z][A-Z0-9_]*)')
_TRAIT = re.compile(r'trait:([A-Z][A-Z0-9_]*)')


def wanted(request: PlacementRequest, in_tree: str | None = None) -> Wanted:
    """Disabled hosts are never asked for. Flavors and images may require or forbid traits, flavors replace amounts."""
    traits = _traits(request.extra_specs) | _traits(request.image_properties)
    required = {name for name, rule in traits.items() if rule == 'required'}
    forbidden = {name for name, rule in traits.items() if rule == 'forbidden'}
    shape = guest_wishes.required_traits(request.extra_specs, request.image_properties)
    return Wanted(
        tuple(sorted(amounts(request).items())),
        tuple(sorted(required.union(request.required_traits, shape))),
        tuple(sorted(forbidden.union(request.forbidden_traits, (DISABLED,)))),
        in_tree=in_tree,
    )


def amounts(request: PlacementRequest) -> dict[str, int]:
    """By resource class; `resources:CLASS` of the flavor stands above its size, and 0 leaves the class out."""
    found = dict(request.resources)
    for key, value in request.extra_specs.items():
        if (match := _RESOURCE.fullmatch(key)) and str(value).isdigit():
            found[match[1]] = int(value)
    return {name: amount for name, amount in found.items() if amount}


def _traits(properties: Mapping[str, Any]) -> dict[str, str]:
    return {match[1]: value for key, value in properties.items() if (match := _TRAIT.fullmatch(key))}
