"""Leave out every host when a server asks for what none can give yet."""

from nova.domain import guest_wishes
from nova.domain.host import Host
from nova.domain.request import PlacementRequest


class Offered:
    always = True

    def reject(self, host: Host, request: PlacementRequest) -> str | None:
        wishes = guest_wishes.Wishes(request.extra_specs, request.image_properties)
        asked = guest_wishes.beyond(wishes)
        return f'It cannot give a guest {asked}.' if asked else None
