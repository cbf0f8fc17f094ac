"""What a virt driver can do: small interfaces, of which a driver inherits those it offers."""

import abc
from collections.abc import Callable, Mapping, Sequence

from nova.domain.diagnostics import Diagnostics
from nova.domain.guest import ConsoleAddress, Guest, Observed
from nova.domain.guest_devices import Description
from nova.domain.host import HostReport
from nova.domain.image import Image
from nova.domain.lifecycle import Power
from nova.domain.network import Port
from nova.domain.snapshot import Quiesce, Snapshot

# Told of guests that change by themselves: the server's id and its power now (None: the guest is gone).
PowerListener = Callable[[str, Power | None], None]
# Makes an image's verified data available: the path of a local file in the format that `Image.disk_format` says.
ImageSource = Callable[[Image], str]


class Guests(abc.ABC):
    """Make, find and remove guests. Each call is idempotent.

    Failures are `HostFailed`, `Refused`, or `HostAway` while the hypervisor does not answer.
    """

    @abc.abstractmethod
    def ensure(
        self, guest: Guest, image_source: ImageSource, config_drive: Mapping[str, bytes] | None, held: bool = False
    ) -> Power:
        """Make the guest exist and run. `config_drive`: file contents by path, or None for no drive.

        With `held` one that does not run yet is left PAUSED before its first instruction, for `unpause` to let it go.
        """

    @abc.abstractmethod
    def remove(self, guest_id: str, guest_name: str | None, destroy_disks: bool = True) -> None:
        """Make the guest and its files not exist. A guest that is not there is fine."""

    @abc.abstractmethod
    def list(self) -> tuple[Observed, ...]:
        """Every domain on this host, also those that are not ours."""

    @abc.abstractmethod
    def observe(self, guest_id: str) -> Observed | None:
        """The guest as the hypervisor reports it, or None if it is not there."""

    @abc.abstractmethod
    def leftovers(self) -> tuple[str, ...]:
        """Server ids that have files or domains of ours on this host."""


class PowerControl(abc.ABC):
    """Switch guests that exist off and on, and hold them. Each call is idempotent; NotFound if there is no such guest."""

    @abc.abstractmethod
    def stop(self, guest_id: str, timeout: float) -> Power:
        """Shut the guest down: ask its system to for `timeout` seconds, then switch it off. Its disks stay."""

    @abc.abstractmethod
    def pause(self, guest_id: str) -> Power:
        """Hold the guest's processors; its memory stays where it is."""

    @abc.abstractmethod
    def unpause(self, guest_id: str) -> Power:
        """Let a guest that is paused go on."""

    @abc.abstractmethod
    def suspend(self, guest_id: str) -> Power:
        """Write the guest's memory to disk and switch it off. `Guests.ensure` makes it go on from there."""

    @abc.abstractmethod
    def crash_dump(self, guest_id: str) -> None:
        """Make the guest's system dump its memory, by an interrupt that it cannot mask."""


class Rebuild(abc.ABC):
    """Give guests other disks in place of those that they have."""

    @abc.abstractmethod
    def prepare_rebuild(
        self, guest: Guest, image_source: ImageSource, config_drive: Mapping[str, bytes] | None
    ) -> None:
        """Make all of the guest's disks anew, beside those that it has and goes on using. What an earlier try left goes."""

    @abc.abstractmethod
    def replace_disks(self, guest: Guest) -> Power:
        """Switch the guest off, and put what was prepared in the place of its disks; then it is off. Once done, it stays
        done. `Guests.ensure` starts it."""

    @abc.abstractmethod
    def discard_rebuild(self, guest_id: str) -> None:
        """Make what was prepared and did not replace the guest's disks not exist. Nothing there is fine."""


class Resize(abc.ABC):
    """Give guests that are off disks of other sizes, and keep those that they had until it is clear which are wanted."""

    @abc.abstractmethod
    def resize_disks(self, guest: Guest) -> None:
        """Set the guest's disks aside, and make copies of them in the sizes that it is to have. Once done, it stays done.

        Errors: `NotFound` if it has no disks here; `Invalid` if one would shrink.
        """

    @abc.abstractmethod
    def restore_disks(self, guest_id: str) -> None:
        """Put what was set aside back, in place of the copies. Nothing set aside is fine: the disks are as they were."""

    @abc.abstractmethod
    def forget_old_disks(self, guest_id: str) -> None:
        """Delete what was set aside. Nothing there is fine."""


class Rescue(abc.ABC):
    """Have guests run another system, from which their disks can be mended."""

    @abc.abstractmethod
    def rescue(
        self,
        guest: Guest,
        image: Image,
        image_source: ImageSource,
        config_drive: Mapping[str, bytes] | None,
        timeout: float,
    ) -> Power:
        """Stop the guest as `PowerControl.stop` does, and start it from a copy of the image, with its own disks beside.

        One that is rescued already goes on. From then on `Guests.ensure` of a guest whose server is RESCUED starts it so.
        """

    @abc.abstractmethod
    def unrescue(self, guest: Guest) -> Power:
        """Switch a guest that is rescued off, and forget the rescue with its files; `Guests.ensure` starts it from its own
        disks. Any other is left as it is. The power that it has then."""


class Measures(abc.ABC):
    """Tell what a guest uses."""

    @abc.abstractmethod
    def diagnose(self, guest_id: str) -> Diagnostics:
        """The guest's figures just now. Errors: `NotFound`; `Conflict` while it does not run."""


class Snapshots(abc.ABC):
    """Make images of guests' disks. What is made is kept on the host until it is discarded, or the guest removed."""

    @abc.abstractmethod
    def take_snapshot(self, guest_id: str, image_id: str, quiesce: Quiesce) -> Snapshot:
        """Keep all that is on the guest's root disk in one file, which needs no other. One that is made is not made again.

        A guest that runs goes on: meanwhile, or where that is impossible afterwards. Errors: `NotFound` if there is no such
        guest; `Conflict` if it has to be quiesced and cannot.
        """

    @abc.abstractmethod
    def snapshot_file(self, guest_id: str, image_id: str) -> str | None:
        """The path of the file that `take_snapshot` has made; None if there is none."""

    @abc.abstractmethod
    def discard_snapshot(self, guest_id: str, image_id: str) -> None:
        """Make the file not exist, and what an interrupted `take_snapshot` has left. Nothing there is fine."""

    @abc.abstractmethod
    def discard_all_snapshots(self) -> None:
        """Make what earlier processes have left of snapshots not exist."""

    @abc.abstractmethod
    def saved_for_snapshots(self) -> Sequence[str]:
        """The ids of the guests that are off only as long as images are made of them."""

    @abc.abstractmethod
    def let_go(self, guest_id: str) -> None:
        """Have such a guest go on; any other is left as it is."""


class Passwords(abc.ABC):
    """Change passwords in guests that run."""

    @abc.abstractmethod
    def check_password_change(self, guest_id: str) -> None:
        """Raise `Conflict`, with the reason, if passwords in the guest cannot be changed now."""

    @abc.abstractmethod
    def set_password(self, guest_id: str, user: str, password: str) -> None:
        """Give a user of the guest's system another password. Errors: `NotFound`, `Conflict`."""


class Interfaces(abc.ABC):
    """Change the network interfaces of guests that exist. Each call is idempotent; NotFound if there is no such guest."""

    @abc.abstractmethod
    def attach_interface(self, guest: Guest, port: Port) -> None:
        """Plug in one of the guest's ports: at once where it runs, and for its next start."""

    @abc.abstractmethod
    def detach_interface(self, guest_id: str, port_id: str) -> None:
        """Unplug a port; the guest has let go of it when this returns. `HostFailed` if it does not let go."""

    @abc.abstractmethod
    def describe_network(self, guest: Guest) -> None:
        """Note the guest's ports where those find them who look at the hypervisor alone."""


class Inventory(abc.ABC):
    """Tell what the host has."""

    @abc.abstractmethod
    def report(self) -> HostReport:
        """The host's hardware, hypervisor and traits; `trouble` is set when guests cannot be made just now.

        Who the host is and what of it is reserved the compute service knows better, and fills in.
        """

    @abc.abstractmethod
    def connected(self) -> bool:
        """Whether the hypervisor answers."""


class Console(abc.ABC):
    """Let a user see the guest's console."""

    @abc.abstractmethod
    def output(self, guest_id: str, length: int | None = None) -> bytes:
        """The last `length` lines of the guest's console log; all that is kept when None."""

    @abc.abstractmethod
    def address(self, guest_id: str, kind: str) -> ConsoleAddress:
        """Where the guest's console of this kind listens. Errors: `NotImplementedHere`, `NotFound`."""


class Tpms(abc.ABC):
    """Keep trusted platform modules of guests, each encrypted with a secret that a key manager has."""

    @abc.abstractmethod
    def tpm_key(self, guest_id: str) -> str | None:
        """The key manager's id of the guest's secret; None while it has none."""

    @abc.abstractmethod
    def keep_tpm_key(self, guest_id: str, key_id: str) -> None:
        """Remember the id as long as the guest has files here."""

    @abc.abstractmethod
    def unlock_tpm(self, guest_id: str, key_id: str, secret: bytes) -> None:
        """Hold the secret in memory, for the guest's next starts, until the guest is removed."""


class Descriptions(abc.ABC):
    """Tell what has become of guests' wishes."""

    @abc.abstractmethod
    def describe(self, guest: Guest) -> Description:
        """The machine type of a guest that has been made, and where its tagged devices are while it runs."""


class Events(abc.ABC):
    """Tell of guests that change by themselves."""

    @abc.abstractmethod
    def listen(self, listener: PowerListener) -> None:
        """Call `listener` from a thread of the driver's own for every change, until `close`."""

    @abc.abstractmethod
    def close(self) -> None:
        """Stop telling, and let go of the hypervisor."""
