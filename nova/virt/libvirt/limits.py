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
# The file in a control group.
_WEIGHT = re.compile(r'/cpu\.weight\b')


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
def explaining(guest: Guest) -> Iterator[None]:
    """Around what makes libvirt set a guest's limits: it fails where the kernel does not know them, or not so many."""
    try:
        yield
    except errors.HostFailed as failure:
        limits = limits_of(guest.server.flavor.extra_specs)
        if limits.vif and _TC.search(str(failure)):
            raise errors.HostFailed(
                f'Guest {guest.id} has network rates (quota:vif_*), to which this host cannot keep it: libvirt sets '
                "them with the program tc, and needs the kernel's schedulers htb, sfq and ingress, its classifiers fw "
                'and u32, and its action police.'
            ) from failure
        if 'cpu_shares' in limits.cpu and _WEIGHT.search(str(failure)):
            raise errors.HostFailed(
                f'Guest {guest.id} has {limits.cpu["cpu_shares"]} shares of processors (quota:cpu_shares), and this '
                'host has the second version of control groups, which takes from 1 to 10000.'
            ) from failure
        raise
