"""Keep to the host of the servers that a request names, or away from it."""

from nova.domain.host import Host
from nova.domain.request import DIFFERENT_HOST, SAME_HOST, PlacementRequest


class SameHost:
    always = False

    def reject(self, host: Host, request: PlacementRequest) -> str | None:
        named = request.named(SAME_HOST)
        if not named:
            return None
        places = {server_id: request.places.get(server_id, ()) for server_id in named}
        if not any(places.values()):
            return 'No server that the hint same_host names is on a host.'
        elsewhere = next((server_id for server_id, hosts in places.items() if hosts and host.name not in hosts), None)
        return (
            f'The server {elsewhere}, which the hint same_host names, is on {places[elsewhere][0]}.'
            if elsewhere
            else None
        )


class DifferentHost:
    always = False

    def reject(self, host: Host, request: PlacementRequest) -> str | None:
        named = request.named(DIFFERENT_HOST)
        here = next((server_id for server_id in named if host.name in request.places.get(server_id, ())), None)
        return f'It has the server {here}, which the hint different_host names.' if here else None
