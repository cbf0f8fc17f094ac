"""What steps act on: the databases, the hosts, and the neighbours."""

import dataclasses
import datetime
from typing import Any

from nova.context import Context, admin_context
from nova.domain.cell import CELL0_ID
from nova.rpc.bus import Bus
from nova.rpc.compute import Compute
from nova.rpc.notifier import SILENT, Notifier
from nova.rpc.scheduler import Scheduler


@dataclasses.dataclass(frozen=True)
class Cloud:
    """Handed to every step. `context` is that of the request which began the operation."""

    databases: Any
    bus: Bus
    placement: Any
    network: Any
    instance_name_template: str = 'instance-%08x'
    # On how many hosts a new server is tried.
    max_attempts: int = 3
    # `hour`, `month@5`...; None: usage is not audited.
    usage_audit_period: str | None = None
    notifier: Notifier = SILENT
    images: Any = None
    # Seconds after which a shelved server leaves its host; 0 at once, -1 never.
    shelved_offload_time: int = 0
    # Seconds between two looks for such servers.
    shelved_poll_interval: float = 3600.0
    # Seconds that operations may take which begin here.
    operation_deadline: int = 3600
    # Seconds for which deleted servers can be restored; 0 or less: they cannot.
    reclaim_interval: int = 0
    # Seconds after which resizes are confirmed that wait for their users; 0: never.
    resize_confirm_window: int = 0
    # Seconds after which the rescue of a server is ended; 0: never.
    rescue_timeout: int = 0
    # Seconds without a sign of life after which a host counts as down.
    service_down_time: int = 60
    # Seconds after which an image is removed that was recorded for a server's data and that no operation fills.
    image_patience: float = 600.0
    # Days for which the journals of deleted servers are kept; 0: for ever.
    journal_days: int = 0
    context: Context = dataclasses.field(default_factory=admin_context)

    def compute(self, host: str, cell_id: str | None) -> Any:
        """The host's side of the Compute contract."""
        return self.bus.client(Compute, host=host, url=bus_url(self.databases, cell_id))

    @property
    def scheduler(self) -> Any:
        return self.bus.client(Scheduler)

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC)


def bus_url(databases: Any, cell_id: str | None) -> str | None:
    """The bus of a cell; None for this process's own, which also serves what has no cell yet and cell0."""
    if cell_id is None or cell_id in (CELL0_ID, databases.own_cell_id):
        return None
    return databases.cell_mapping(cell_id).transport_url or None
