"""Rebuild a server: new disks from an image, new names and data; its ports, its room and its id stay."""

import contextlib
import dataclasses
from typing import Any, ClassVar, Self

from nova import errors
from nova.db.stores import block_devices, server_images, servers
from nova.domain.guest import Guest
from nova.domain.image import Image
from nova.domain.keypair import KeyPair
from nova.domain.lifecycle import Activity, Power, State
from nova.domain.request import rebuild_request
from nova.domain.server import InjectedFile, Server
from nova.operations.guest_operation import PATIENCE, GuestOperation
from nova.operations.operation import fault_of
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class RebuildServer(GuestOperation):
    """Until the new disks are whole and take the place of the old ones, a failure leaves everything as it was.

    From then on the record says what the server is to be, and a hard reboot makes it so.
    """

    image: Image
    # Plain fields of the server that change, by name: name, hostname, description, user_data, ...
    changes: dict[str, Any] = dataclasses.field(default_factory=dict)
    image_properties: dict[str, Any] = dataclasses.field(default_factory=dict)
    # None: as it was.
    metadata: dict[str, str] | None = None
    trusted_image_certificates: tuple[str, ...] | None = None
    keypair: KeyPair | None = None
    changes_keypair: bool = False
    # Whether its host has to be asked if it can run the image.
    new_image: bool = True
    # For the guest alone; the journal forgets both when the server is rebuilt.
    admin_password: str | None = dataclasses.field(default=None, repr=False)
    files: tuple[InjectedFile, ...] = dataclasses.field(default=(), repr=False)

    verb: ClassVar[str] = 'rebuild'

    def without_secrets(self) -> Self | None:
        if not (self.admin_password or self.files):
            return None
        return dataclasses.replace(self, admin_password=None, files=())

    def fields(self) -> dict[str, Any]:
        """The fields of the server that change, but its metadata."""
        found = self.changes | {'image_id': self.image.id, 'image_properties': self.image_properties}
        if self.changes_keypair:
            found['keypair'] = self.keypair
        if self.trusted_image_certificates is not None:
            found['trusted_image_certificates'] = self.trusted_image_certificates
        return found

    def rebuilt(self, server: Server) -> Server:
        """The server as it will be."""
        metadata = server.metadata if self.metadata is None else self.metadata
        return dataclasses.replace(server, **self.fields(), metadata=metadata)

    def new_guest(self, cloud: Any) -> Guest:
        guest = self.guest(cloud)
        return dataclasses.replace(
            guest,
            server=self.rebuilt(guest.server),
            image=self.image,
            admin_password=self.admin_password,
            files=self.files,
        )

    def check_host(self, cloud: Any, journal: Journal) -> None:
        """The server stays where it is, so its host must be able to run the image."""
        request = rebuild_request(self.rebuilt(self.server(cloud)))
        why = cloud.scheduler.objection(cloud.context, request=request, host=self.host)
        if why:
            raise errors.NoRoom(reasons={self.host: why})

    def prepare_disks(self, cloud: Any, journal: Journal) -> None:
        self.on_host(cloud).prepare_rebuild(cloud.context, guest=self.new_guest(cloud))

    def discard_disks(self, cloud: Any, journal: Journal) -> None:
        # What is left on a host that is away is overwritten by the next rebuild, and goes with the guest.
        with contextlib.suppress(errors.HostAway):
            self.on_host(cloud).discard_rebuild(cloud.context, server_id=self.server_id)

    def replace_disks(self, cloud: Any, journal: Journal) -> Power:
        return self.on_host(cloud).replace_disks(cloud.context, guest=self.new_guest(cloud))

    def change_record(self, cloud: Any, journal: Journal) -> None:
        """Before the new system asks who it is."""
        with cloud.databases.cell(self.cell_id).writing() as tx:
            servers.change(tx, self.server_id, **self.fields())
            self._change_belongings(tx)

    def start_guest(self, cloud: Any, journal: Journal) -> Power:
        guest = self.new_guest(cloud)
        if guest.server.state is State.STOPPED:
            return Power.SHUTDOWN
        return self.on_host(cloud).ensure_guest(cloud.context, guest=guest)

    steps: ClassVar[tuple[Step, ...]] = (
        Step(check_host, permanent='it changes nothing', when=lambda operation: operation.new_image),
        Step(prepare_disks, undo=discard_disks, shows=Activity.REBUILDING, patience=PATIENCE),
        Step(
            replace_disks,
            permanent='the old disks are gone; rebuilding again does no harm',
            shows=Activity.REBUILD_BLOCK_DEVICE_MAPPING,
            patience=PATIENCE,
        ),
        Step(change_record, permanent='the record says what the guest has become'),
        Step(
            start_guest,
            permanent='a guest that runs is what the user asked for',
            shows=Activity.REBUILD_SPAWNING,
            patience=PATIENCE,
        ),
    )

    def finish(self, cloud: Any, journal: Journal, tx: Any) -> None:
        failure = fault_of(journal, self.verb)
        if failure is None:
            power = journal.result('start_guest', Power)
            state = State.STOPPED if power is Power.SHUTDOWN else State.ACTIVE
            servers.finish(tx, self.server_id, journal.operation_id, state, power=power, launched_at=cloud.now())
        elif not journal.may_have_run('replace_disks'):
            servers.finish(tx, self.server_id, journal.operation_id, None, fault=failure)
        else:
            # Its disks are those of the new image, or nobody knows.
            fields = self.fields()
            servers.finish(tx, self.server_id, journal.operation_id, State.ERROR, fault=failure, **fields)
            self._change_belongings(tx)

    def _change_belongings(self, tx: Any) -> None:
        server_images.put(tx, self.server_id, self.image)
        block_devices.set_root_image(tx, self.server_id, self.image.id)
        if self.metadata is not None:
            servers.change_metadata(tx, self.server_id, lambda _known: dict(self.metadata))
