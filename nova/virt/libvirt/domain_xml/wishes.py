"""What a guest's flavor and image wish for its hardware."""

from nova.domain.guest import Guest
from nova.domain.guest_wishes import RECORDED_MACHINE, Wishes, is_true

__all__ = ('Wishes', 'is_true', 'wishes_of')


def wishes_of(guest: Guest) -> Wishes:
    """The guest's wishes. One whose image names no machine type keeps that of its first start."""
    server = guest.server
    properties = server.image_properties or (guest.image.properties if guest.image else {})
    recorded = server.system_metadata.get(RECORDED_MACHINE)
    if recorded and not properties.get('hw_machine_type'):
        properties = {**properties, 'hw_machine_type': recorded}
    return Wishes(server.flavor.extra_specs, properties)
