"""What a guest's flavor and image wish for its hardware."""

from nova.domain.guest import Guest
from nova.domain.guest_wishes import RECORDED_MACHINE, Wishes, is_true

__all__ = ('Wishes', 'is_true', 'wishes_of')


def wishes_of(guest: Guest) -> Wishes:
    """The guest's wishes. A machine type that was recorded at its first start outlives what its image says now."""
    properties = guest.image.properties if guest.image else guest.server.image_properties
    recorded = guest.server.system_metadata.get(RECORDED_MACHINE)
    if recorded:
        properties = {**properties, 'hw_machine_type': recorded}
    return Wishes(guest.server.flavor.extra_specs, properties)
