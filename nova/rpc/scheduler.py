"""What the conductors may ask of the schedulers."""

from nova.context import Context
from nova.domain.request import Choice, PlacementRequest
from nova.rpc.contract import Contract, call


class Scheduler(Contract):
    topic = 'scheduler'
    version = '1.1'

    @call(since='1.0', timeout=120)
    def select(self, context: Context, requests: tuple[PlacementRequest, ...]) -> tuple[Choice, ...]:
        """Choose a host for each request and claim its room in Placement. Asking again for a server that has a claim keeps it
        if its host still fits. A claim is made for all of the requests that have a host, or for none."""

    @call(since='1.1', timeout=60)
    def objection(self, context: Context, request: PlacementRequest, host: str) -> str | None:
        """Why the host, which has the server already, cannot run it with the image that is asked for; None if it can."""
