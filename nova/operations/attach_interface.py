"""Give a server one more network interface, while it runs."""

import dataclasses
import logging
from typing import Any, ClassVar

from nova import errors
from nova.db.stores import ports as port_store
from nova.db.stores import servers
from nova.domain import record
from nova.domain.network import NetworkRequest, Port
from nova.domain.operation import OperationRow
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.saga.journal import Journal
from nova.saga.step import Step

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class AttachInterface(GuestOperation):
    """By a port of the user's, or by a new one."""

    request: NetworkRequest

    verb: ClassVar[str] = 'attach_interface'

    @staticmethod
    def port_of(row: OperationRow) -> Port:
        """The port that came of it."""
        result = next(step['result'] for step in row.steps if step['name'] == 'bind_port')
        return record.load(Port, result)

    def note_ports(self, cloud: Any, journal: Journal) -> tuple[str, ...]:
        """The ports that the server has: what is found beside them, if this begins again, is its own work."""
        return tuple(port.id for port in self.server(cloud).ports)

    def bind_port(self, cloud: Any, journal: Journal) -> Port:
        server = self.server(cloud)
        port = cloud.network.ensure_port(
            cloud.context,
            server_id=self.server_id,
            host=self.host,
            hostname=server.hostname.partition('.')[0],
            project_id=server.project_id,
            request=self.request,
            zone=server.availability_zone,
            known=journal.result('note_ports', tuple[str, ...]) or (),
            maybe_exists=journal.maybe_ran_before('bind_port'),
        )
        with cloud.databases.cell(self.cell_id).reading() as tx:
            before = port_store.of_server(tx, self.server_id)
        names = cloud.network.group_names((*before, port), server.security_groups)
        self._change(cloud, lambda known: (*known, port) if port.id not in _ids(known) else known, names)
        return port

    def release_port(self, cloud: Any, journal: Journal) -> None:
        known = journal.result('note_ports', tuple[str, ...]) or ()
        port = journal.result('bind_port', Port)
        cloud.network.release_port(
            cloud.context,
            server_id=self.server_id,
            project_id=self.server(cloud).project_id,
            request=self.request,
            known=known,
            port_id=port and port.id,
        )
        self._change(cloud, lambda ports: tuple(one for one in ports if one.id in known), None)

    def plug(self, cloud: Any, journal: Journal) -> None:
        port = journal.result('bind_port', Port)
        self.on_host(cloud).attach_interface(cloud.context, guest=self.guest(cloud), port_id=port.id)

    def unplug(self, cloud: Any, journal: Journal) -> None:
        # With a server that is about to be deleted its interfaces go.
        if journal.stop_requested:
            return
        port = journal.result('bind_port', Port)
        try:
            self.on_host(cloud).detach_interface(cloud.context, server_id=self.server_id, port_id=port.id)
        except errors.NotFound:
            # A guest that is gone has none.
            pass
        except (errors.HostAway, errors.HostFailed, errors.Conflict) as failure:
            # A guest that starts anew has only the ports of the record. Nobody should have to wait until then.
            LOG.warning('Server %s has what is left of port %s until it restarts: %s', self.server_id, port.id, failure)

    def _change(self, cloud: Any, change: Any, security_groups: tuple[str, ...] | None) -> None:
        with cloud.databases.cell(self.cell_id).writing() as tx:
            known = port_store.of_server(tx, self.server_id, for_change=True)
            servers.set_ports(tx, self.server_id, change(known), security_groups)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(note_ports, permanent='it changes nothing'),
        Step(bind_port, undo=release_port),
        Step(plug, undo=unplug, patience=PATIENCE),
    )

    def outcome(self, cloud: Any, journal: Journal) -> dict[str, Any]:
        return {}


def _ids(ports: tuple[Port, ...]) -> set[str]:
    return {port.id for port in ports}
