"""What the control plane may ask of one host."""

from nova.context import Context
from nova.domain.diagnostics import Diagnostics
from nova.domain.external_event import ExternalEvent
from nova.domain.guest import ConsoleAddress, Guest
from nova.domain.image import Image
from nova.domain.lifecycle import Power
from nova.domain.snapshot import Quiesce, Snapshot
from nova.rpc.contract import Contract, call, cast


class Compute(Contract):
    topic = 'compute'
    version = '1.3'

    @call(since='1.0', timeout=1800)
    def ensure_guest(self, context: Context, guest: Guest) -> Power:
        """Make the guest exist and run; its power then. Asking twice is as good as once."""

    @call(since='1.0', timeout=600)
    def remove_guest(
        self, context: Context, server_id: str, guest_name: str | None, destroy_disks: bool = True
    ) -> None:
        """Make the guest and its files not exist on this host."""

    @call(since='1.2', timeout=600)
    def stop_guest(self, context: Context, server_id: str, timeout: int | None = None) -> Power:
        """Have the guest's system shut down within `timeout` seconds (None: the host's option), else switch it off."""

    @call(since='1.2', timeout=1800)
    def reboot_guest(self, context: Context, guest: Guest, timeout: int | None = None) -> Power:
        """Stop the guest as `stop_guest` does (0: at once), and make it anew on the disks that it has."""

    @call(since='1.2')
    def pause_guest(self, context: Context, server_id: str) -> Power:
        """Hold the guest's processors."""

    @call(since='1.2')
    def unpause_guest(self, context: Context, server_id: str) -> Power:
        """Let a paused guest go on."""

    @call(since='1.2', timeout=1800)
    def suspend_guest(self, context: Context, server_id: str) -> Power:
        """Write the guest's memory to disk and switch it off; `ensure_guest` makes it go on."""

    @call(since='1.2')
    def dump_guest(self, context: Context, server_id: str) -> None:
        """Make the guest's system dump its memory."""

    @call(since='1.2', timeout=3600)
    def take_snapshot(self, context: Context, server_id: str, image_id: str, quiesce: Quiesce = Quiesce.NO) -> Snapshot:
        """Keep all that is on the guest's root disk in a file, as the data of an image. Once made, it is not made again."""

    @call(since='1.2', timeout=3600)
    def upload_snapshot(self, context: Context, server_id: str, image_id: str) -> None:
        """Send the file to the image service, and remove it. An image that has its data already is fine."""

    @call(since='1.2', timeout=120)
    def discard_snapshot(self, context: Context, server_id: str, image_id: str) -> None:
        """Make the file not exist."""

    @call(since='1.2', timeout=20)
    def check_password_change(self, context: Context, server_id: str) -> None:
        """Raise `Conflict`, with the reason, if passwords in the guest cannot be changed now."""

    @call(since='1.2', timeout=60)
    def set_password(self, context: Context, server_id: str, user: str, password: str) -> None:
        """Give a user of the guest's system another password."""

    @call(since='1.2', timeout=3600)
    def prepare_rebuild(self, context: Context, guest: Guest) -> None:
        """Make the guest's new disks, from its image, beside those that it has and goes on using."""

    @call(since='1.2', timeout=600)
    def replace_disks(self, context: Context, guest: Guest) -> Power:
        """Switch the guest off, and put the disks that were prepared in the place of its own. Once done, it stays done."""

    @call(since='1.2', timeout=120)
    def discard_rebuild(self, context: Context, server_id: str) -> None:
        """Make the prepared disks not exist."""

    @call(since='1.2', timeout=3600)
    def rescue_guest(
        self, context: Context, guest: Guest, image: Image | None = None, timeout: int | None = None
    ) -> Power:
        """Stop the guest as `stop_guest` does, and have it run the image (None: the host's option, else its own) with its
        disks beside."""

    @call(since='1.2', timeout=1800)
    def unrescue_guest(self, context: Context, guest: Guest, start: bool = True) -> Power:
        """End the rescue, and have the guest run from its own disks, or be off."""

    @call(since='1.2', timeout=3600)
    def resize_disks(self, context: Context, guest: Guest) -> None:
        """Set the disks of a guest that is off aside, and make it copies of them in the sizes that it is to have."""

    @call(since='1.2', timeout=600)
    def restore_disks(self, context: Context, server_id: str) -> None:
        """Put the disks that were set aside back in their place."""

    @call(since='1.2', timeout=600)
    def forget_old_disks(self, context: Context, server_id: str) -> None:
        """Delete the disks that were set aside."""

    @call(since='1.2')
    def diagnose_guest(self, context: Context, server_id: str) -> Diagnostics:
        """What the hypervisor counts of a running guest."""

    @call(since='1.3', timeout=20)
    def observe_guest(self, context: Context, server_id: str) -> Power | None:
        """The guest's power just now; None if it is not there."""

    @call(since='1.2', timeout=600)
    def attach_interface(self, context: Context, guest: Guest, port_id: str) -> None:
        """Plug one of the guest's ports in, where it is not plugged in yet."""

    @call(since='1.2', timeout=600)
    def detach_interface(self, context: Context, server_id: str, port_id: str) -> None:
        """Unplug a port from the guest, and wait until it has let go of it."""

    @call(since='1.2')
    def describe_network(self, context: Context, guest: Guest) -> None:
        """Note the guest's ports as they are now in what the hypervisor knows of it."""

    @call(since='1.0')
    def console_output(self, context: Context, server_id: str, length: int | None = None) -> str:
        """The last `length` lines of the console log, or all that is kept."""

    @call(since='1.0')
    def console_address(self, context: Context, server_id: str, kind: str) -> ConsoleAddress:
        """Where the guest's console listens."""

    @cast(since='1.0')
    def report_now(self, context: Context) -> None:
        """Send a whole report: the control plane does not know this host."""

    @call(since='1.1', timeout=10)
    def take_servers(self, context: Context, enabled: bool) -> None:
        """Make the scheduler's questions to Placement find this host, or leave it out. Done when this returns."""

    @call(since='1.2', timeout=3600)
    def cache_images(self, context: Context, image_ids: tuple[str, ...]) -> dict[str, str]:
        """Have copies of these images on the host; what became of each: `cached`, `existing` or `error`."""

    @cast(since='1.2')
    def external_events(self, context: Context, events: tuple[ExternalEvent, ...]) -> None:
        """Do what other services' events about this host's guests ask for."""

    @cast(since='1.3')
    def stop_waiting(self, context: Context, server_id: str) -> None:
        """Wait no longer for the server's ports to be wired: it is to be deleted."""
