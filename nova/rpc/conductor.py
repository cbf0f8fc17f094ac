"""What the API and the hosts may ask of a cell's conductors."""

from nova.context import Context
from nova.domain.external_event import ExternalEvent
from nova.domain.guest_devices import Description
from nova.domain.host import HostReport
from nova.domain.lifecycle import Power
from nova.rpc.contract import Contract, call, cast


class Conductor(Contract):
    topic = 'conductor'
    version = '1.2'

    @cast(since='1.0')
    def run_operation(self, context: Context, operation_id: str, cell_id: str | None) -> None:
        """Run an operation that has been recorded: in the cell's database, or in the API database when `cell_id` is None."""

    @call(since='1.0')
    def report_host(self, context: Context, report: HostReport) -> bool | None:
        """Keep what a host says of itself; it counts as a sign of life, too. Answers whether the host is enabled."""

    @cast(since='1.0')
    def host_alive(self, context: Context, host: str, node_id: str) -> None:
        """A sign of life of a host whose report has not changed."""

    @cast(since='1.0')
    def guest_changed(self, context: Context, host: str, server_id: str, power: Power | None) -> None:
        """A guest changed by itself: its power now, or None when it is gone."""

    @call(since='1.0')
    def guests_expected(self, context: Context, host: str) -> dict[str, str]:
        """The servers that have, or are getting, a guest on this host: their state by server id."""

    @cast(since='1.2')
    def guests_down(self, context: Context, host: str, server_ids: tuple[str, ...]) -> None:
        """The guests of these active servers are off, because their host was: have them started."""

    @call(since='1.2')
    def deleted_servers(self, context: Context, server_ids: tuple[str, ...]) -> dict[str, float]:
        """Those of the servers that were deleted for good: by id, how many seconds ago."""

    @cast(since='1.2')
    def guest_described(self, context: Context, host: str, server_id: str, description: Description) -> None:
        """What has become of a server's wishes on this host: its guest's machine type and tagged devices."""

    @cast(since='1.1', aggregate_id='1.2')
    def cache_images(
        self, context: Context, hosts: tuple[str, ...], image_ids: tuple[str, ...], aggregate_id: int | None = None
    ) -> None:
        """Have these hosts, wherever they are, fetch these images ahead of time, only so many hosts at once.

        The world is told how it goes with the aggregate that they are of, if that is said.
        """

    @cast(since='1.1')
    def external_events(self, context: Context, events: tuple[ExternalEvent, ...]) -> None:
        """Read anew what other services say has changed about servers' ports."""
