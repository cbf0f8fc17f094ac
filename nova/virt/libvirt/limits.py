"""Say in a sentence when this host cannot keep a guest to its flavor's limits (quota:*), and let no guest run without them."""

import contextlib
import re
import time
from collections.abc import Iterator

from nova import errors
from nova.domain.guest import Guest
from nova.domain.guest_limits import limits_of
from nova.virt.libvirt.connection import Connection

PAUSES = (0.1, 0.2, 0.4, 0)
# libvirt names the program that failed, or that it has not found.
_TC = re.compile(r"\btc (qdisc|class|filter)\b|'tc'")


def check_processors(connection: Connection, guest: Guest) -> None:
    """End a guest that has just been started and is not kept to its share: libvirt takes no notice where it cannot."""
    if not limits_of(guest.server.flavor.extra_specs).cpu:
        return
    # A libvirt that has just been restarted finds the guest's control groups a moment later than the guest.
    for pause in PAUSES:
        if connection.shares_processors(guest.id):
            return
        time.sleep(pause)
    connection.end(guest.id)
    raise errors.HostFailed(
        f'Guest {guest.id} has a share of processors (quota:cpu_*), to which this host cannot keep it: libvirt '
        'has no cgroup controller "cpu" here; see cgroup_controllers in its qemu.conf.'
    )


@contextlib.contextmanager
def explaining_network_rates(guest: Guest) -> Iterator[None]:
    """Around what connects the guest's cards: libvirt sets their rates then, and fails where the kernel knows no such."""
    try:
        yield
    except errors.HostFailed as failure:
        if not (limits_of(guest.server.flavor.extra_specs).vif and _TC.search(str(failure))):
            raise
        raise errors.HostFailed(
            f'Guest {guest.id} has network rates (quota:vif_*), to which this host cannot keep it: libvirt sets them '
            "with the program tc, and needs the kernel's schedulers htb, sfq and ingress, its classifiers fw and u32, "
            'and its action police.'
        ) from failure
