"""Create a server: find room, give it a record in that cell, ports, and a guest."""

import dataclasses
from typing import Any, ClassVar, Self

from nova import errors
from nova.db import group_places
from nova.db.stores import block_devices, guests, mappings, server_groups, server_images, servers
from nova.domain.cell import CELL0_ID
from nova.domain.guest import Guest
from nova.domain.lifecycle import Activity, Power, State
from nova.domain.network import Port
from nova.domain.request import Selection, placement_request
from nova.domain.server import Server, ServerRequest, building
from nova.operations import working_ports
from nova.operations.operation import Operation, fault_of, stuck_fault
from nova.operations.steps import room
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class CreateServer(Operation):
    """Begins before a cell is chosen, so its journal is in the API database."""

    request: ServerRequest

    verb: ClassVar[str] = 'create'

    def attempts(self, cloud: Any) -> int:
        return cloud.max_attempts

    @property
    def group_id(self) -> str | None:
        return self.request.scheduler_hints.get('group')

    def without_secrets(self) -> Self | None:
        if not (self.request.admin_password or self.request.files):
            return None
        return dataclasses.replace(self, request=dataclasses.replace(self.request, admin_password=None, files=()))

    def reserve_room(self, cloud: Any, journal: Journal) -> Selection:
        return room.reserve(cloud, journal, lambda failed: placement_request(self.request, failed))

    def release_room(self, cloud: Any, journal: Journal) -> None:
        cloud.placement.release(self.server_id)

    def place_in_cell(self, cloud: Any, journal: Journal) -> int:
        """The number that the server has in its cell."""
        selection = journal.result('reserve_room', Selection)
        server = dataclasses.replace(
            building(self.request, journal.operation_id),
            # From now on it is the cell that tells how far it is.
            activity=Activity.SPAWNING if self.request.networks is None else Activity.NETWORKING,
            cell_id=selection.cell_id,
            host=selection.host,
            node=selection.node,
            launched_on=selection.host,
            availability_zone=selection.availability_zone,
        )
        with cloud.databases.cell(selection.cell_id).writing() as tx:
            number = self._number_before(tx, journal)
            if number is None:
                number = servers.create(tx, server)
                if self.request.image:
                    server_images.create(tx, self.server_id, self.request.image)
                block_devices.create(tx, self.server_id, self.request.block_devices)
            guests.record(tx, self.server_id, selection.host, selection.node)
        with cloud.databases.api.writing() as tx:
            mappings.set_cell(tx, self.server_id, selection.cell_id)
        return number

    def _number_before(self, tx: Any, journal: Journal) -> int | None:
        if not journal.maybe_ran_before('place_in_cell'):
            return None
        found = servers.find(tx, self.server_id)
        return found.number if found else None

    def withdraw_from_cell(self, cloud: Any, journal: Journal) -> None:
        selection = journal.result('reserve_room', Selection)
        with cloud.databases.api.writing() as tx:
            mappings.set_cell(tx, self.server_id, None)
        with cloud.databases.cell(selection.cell_id).writing() as tx:
            guests.remove(tx, self.server_id)
            servers.remove(tx, self.server_id)

    def check_group(self, cloud: Any, journal: Journal) -> None:
        """Others may have joined the group's servers on this host since it was chosen: then another host must do."""
        selection = journal.result('reserve_room', Selection)
        places = group_places.read(cloud.databases, self.group_id, besides=self.server_id)
        if places and (reason := places.refuses(selection.host)):
            raise errors.HostFailed(f'Host {selection.host} cannot take server {self.server_id}: {reason}')

    def bind_ports(self, cloud: Any, journal: Journal) -> tuple[Port, ...]:
        selection = journal.result('reserve_room', Selection)
        bound = cloud.network.ensure_ports(
            cloud.context,
            server_id=self.server_id,
            host=selection.host,
            # Of a full name the network service makes the rest.
            hostname=self.request.hostname.partition('.')[0],
            project_id=self.request.project_id,
            requests=self.request.networks,
            zone=selection.availability_zone,
            security_groups=self.request.security_groups,
            maybe_exists=journal.maybe_ran_before('bind_ports') or journal.page.attempt > 1,
        )
        names = cloud.network.group_names(bound, self.request.security_groups)
        with cloud.databases.cell(selection.cell_id).writing() as tx:
            servers.begin_spawning(tx, self.server_id, bound, names)
        return bound

    def release_ports(self, cloud: Any, journal: Journal) -> None:
        # A half-done step has no ports to name; the requests then tell the user's own from ours.
        bound = journal.result('bind_ports', tuple[Port, ...])
        cloud.network.release_ports(cloud.context, self.server_id, bound, requests=self.request.networks or ())

    def start_guest(self, cloud: Any, journal: Journal) -> Power:
        selection = journal.result('reserve_room', Selection)
        guest = self._guest(cloud, journal, selection)
        return cloud.compute(selection.host, selection.cell_id).ensure_guest(cloud.context, guest=guest)

    def _guest(self, cloud: Any, journal: Journal, selection: Selection) -> Guest:
        bound = journal.result('bind_ports', tuple[Port, ...]) or ()
        if journal.maybe_ran_before('start_guest'):
            bound = working_ports.as_they_are(cloud, self.server_id, bound)
        server: Server = dataclasses.replace(
            building(self.request, journal.operation_id),
            number=journal.result('place_in_cell', int),
            cell_id=selection.cell_id,
            host=selection.host,
            node=selection.node,
            availability_zone=selection.availability_zone,
            ports=bound,
        )
        return Guest(
            server.guest_name(cloud.instance_name_template),
            server,
            self.request.image,
            bound,
            self.request.block_devices,
            admin_password=self.request.admin_password,
            files=self.request.files,
        )

    def remove_guest(self, cloud: Any, journal: Journal) -> None:
        selection = journal.result('reserve_room', Selection)
        name = cloud.instance_name_template % journal.result('place_in_cell', int)
        try:
            cloud.compute(selection.host, selection.cell_id).remove_guest(
                cloud.context, server_id=self.server_id, guest_name=name
            )
        except errors.HostAway:
            # The host is away. It asks which guests it should have when it comes back, and removes this one then.
            with cloud.databases.cell(selection.cell_id).writing() as tx:
                guests.abandon(tx, self.server_id, selection.host, name)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(reserve_room, undo=release_room, shows=Activity.SCHEDULING),
        Step(place_in_cell, undo=withdraw_from_cell),
        Step(
            check_group,
            permanent='it changes nothing',
            when=lambda operation: operation.group_id and not operation.request.forced,
        ),
        Step(
            bind_ports,
            undo=release_ports,
            shows=Activity.NETWORKING,
            when=lambda operation: operation.request.networks is not None,
        ),
        Step(start_guest, undo=remove_guest, shows=Activity.SPAWNING, patience=3),
    )

    def finish(self, cloud: Any, journal: Journal, tx: Any) -> None:
        if journal.page.failure is None:
            self._activate(cloud, journal)
        else:
            self._bury(cloud, journal, tx)

    def show_stuck(self, cloud: Any, journal: Journal, tx: Any) -> None:
        # While no cell has the server, its view is made from the operation, which says so itself.
        mapping = mappings.find(tx, self.server_id)
        if mapping and mapping.cell_id:
            with cloud.databases.cell(mapping.cell_id).writing() as cell_tx:
                servers.show_stuck(cell_tx, self.server_id, journal.operation_id, stuck_fault(journal))

    def _activate(self, cloud: Any, journal: Journal) -> None:
        selection = journal.result('reserve_room', Selection)
        power = journal.result('start_guest', Power)
        with cloud.databases.cell(selection.cell_id).writing() as tx:
            servers.finish(tx, self.server_id, journal.operation_id, State.ACTIVE, power=power, launched_at=cloud.now())

    def _bury(self, cloud: Any, journal: Journal, api_tx: Any) -> None:
        """A server that never ran is kept in cell0: in ERROR for its owner to see, or deleted if that was the reason."""
        deleted = journal.stop_requested
        server = dataclasses.replace(
            building(self.request),
            cell_id=CELL0_ID,
            state=State.DELETED if deleted else State.ERROR,
            activity=None,
            fault=None if deleted else fault_of(journal, self.verb),
            terminated_at=cloud.now() if deleted else None,
        )
        with cloud.databases.cell0.writing() as tx:
            if servers.find(tx, self.server_id) is None:
                servers.create(tx, server)
        mappings.set_cell(api_tx, self.server_id, CELL0_ID)
        if deleted:
            mappings.queue_for_delete(api_tx, self.server_id)
            if self.group_id:
                server_groups.remove_member(api_tx, self.server_id)
