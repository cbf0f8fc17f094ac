"""Let servers follow what their hosts tell of guests that changed by themselves."""

import logging
from typing import Any

from nova import errors
from nova.context import Context
from nova.db.stores import servers
from nova.domain.lifecycle import Drift, Power, drift
from nova.rpc.compute import Compute

LOG = logging.getLogger(__name__)

# How often a server is looked at that changes hands meanwhile.
TRIES = 5


def follow(cloud: Any, context: Context, host: str, server_id: str, told: Power) -> Drift | None:
    """What follows for the server, which is noted; None if it is not there.

    The message may be older than what was done to the guest since. So before anything follows from it the host is asked how
    the guest is now, and what follows from that is noted only if nothing was done to the server in between.
    """
    database = cloud.databases.own
    for _try in range(TRIES):
        with database.reading() as tx:
            seen = servers.at_rest(tx, server_id, host)
        power, since = told, None
        if seen is not None and drift(seen.state, told) != Drift():
            power, since = _now(cloud, context, host, server_id, told), seen.since
        try:
            with database.writing() as tx:
                return servers.set_power(tx, server_id, host, power, since)
        except errors.Conflict as failure:
            LOG.debug('Server %s is looked at again: %s', server_id, failure)
    LOG.info('Server %s changes too fast for its power to be noted; its host compares it later.', server_id)
    return Drift()


def _now(cloud: Any, context: Context, host: str, server_id: str, told: Power) -> Power:
    try:
        power = cloud.bus.client(Compute, host=host).observe_guest(context, server_id=server_id) or Power.NOSTATE
    except errors.NovaError as failure:
        LOG.info('Host %s cannot say how the guest of server %s is now: %s', host, server_id, failure)
        return told
    if power is not told:
        LOG.info('Guest of server %s was told to be %s, and is %s by now.', server_id, told.name, power.name)
    return power
