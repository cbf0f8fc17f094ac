"""Let servers follow what their hosts tell of guests that changed by themselves."""

import logging
from typing import Any

from nova import errors
from nova.context import Context, admin_context
from nova.db.stores import servers
from nova.domain.lifecycle import Drift, Power, drift
from nova.operations import start
from nova.operations.guest_operation import GuestOperation
from nova.operations.power_off import PowerOff

LOG = logging.getLogger(__name__)

# How often a server is looked at that changes hands meanwhile.
TRIES = 5


def follow(cloud: Any, context: Context, cell_id: str, host: str, server_id: str, told: Power) -> None:
    """Note how the host says that the guest is, and what follows for the server; end the guest if it should be off."""
    found = _noted(cloud, context, cell_id, host, server_id, told)
    if found and found.end_guest:
        LOG.warning('Guest of server %s on host %s runs and should not; it is ended.', server_id, host)
        begin(cloud, PowerOff(server_id, cell_id, host))


def look_after(cloud: Any, operation: GuestOperation) -> None:
    """Ask how the guest is that a verb has failed on half way: it may be off now, say, and its server not show it."""
    try:
        host = operation.on_host(cloud)
        power = host.observe_guest(cloud.context, server_id=operation.server_id)
        told = power or Power.NOSTATE
        follow(cloud, cloud.context, operation.cell_id, operation.host, operation.server_id, told)
    except errors.NovaError as failure:
        LOG.info('How the guest of server %s is will be seen later: %s', operation.server_id, failure)


def begin(cloud: Any, operation: GuestOperation) -> None:
    """Begin what nobody has asked for, unless something is done to the server already."""
    try:
        start.verb(cloud, admin_context(), operation)
    except errors.Refused as failure:
        LOG.info('%s is not needed any more: %s', operation, failure)


def _noted(cloud: Any, context: Context, cell_id: str, host: str, server_id: str, told: Power) -> Drift | None:
    """What follows for the server, which is noted; None if it is not there.

    The message may be older than what was done to the guest since. So before anything follows from it the host is asked how
    the guest is now, and what follows from that is noted only if nothing was done to the server in between.
    """
    database = cloud.databases.cell(cell_id)
    for _try in range(TRIES):
        with database.reading() as tx:
            seen = servers.at_rest(tx, server_id, host)
        power, since = told, None
        if seen is not None and drift(seen.state, told) != Drift():
            power, since = _now(cloud, context, cell_id, host, server_id, told), seen.since
        try:
            with database.writing() as tx:
                return servers.set_power(tx, server_id, host, power, since)
        except errors.Conflict as failure:
            LOG.debug('Server %s is looked at again: %s', server_id, failure)
    LOG.info('Server %s changes too fast for its power to be noted; its host compares it later.', server_id)
    return Drift()


def _now(cloud: Any, context: Context, cell_id: str, host: str, server_id: str, told: Power) -> Power:
    try:
        power = cloud.compute(host, cell_id).observe_guest(context, server_id=server_id) or Power.NOSTATE
    except errors.NovaError as failure:
        LOG.info('Host %s cannot say how the guest of server %s is now: %s', host, server_id, failure)
        return told
    if power is not told:
        LOG.info('Guest of server %s was told to be %s, and is %s by now.', server_id, told.name, power.name)
    return power
