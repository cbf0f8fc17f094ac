"""The rules that a host must satisfy, by the names that `enabled_filters` knows."""

import dataclasses
import datetime
import difflib
import logging
from collections.abc import Callable, Iterable

from nova import errors
from nova.domain.request import AFFINITY, ANTI_AFFINITY
from nova.scheduler.filters.all_hosts import AllHosts
from nova.scheduler.filters.availability_zone import AvailabilityZone
from nova.scheduler.filters.cidr_affinity import CidrAffinity
from nova.scheduler.filters.compute import Compute
from nova.scheduler.filters.compute_capabilities import ComputeCapabilities
from nova.scheduler.filters.failed_before import FailedBefore
from nova.scheduler.filters.image_properties import ImageProperties
from nova.scheduler.filters.json_query import JsonQuery
from nova.scheduler.filters.named_servers import DifferentHost, SameHost
from nova.scheduler.filters.num_instances import NumInstances
from nova.scheduler.filters.offered import Offered
from nova.scheduler.filters.requested_host import RequestedHost
from nova.scheduler.filters.server_group import ServerGroup
from nova.scheduler.place import Filter

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What filters are made from."""

    service_down_time: int = 60
    default_zone: str = 'nova'
    default_architecture: str | None = None
    max_servers: int = 50
    now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC)


FILTERS: dict[str, Callable[[Settings], Filter]] = {
    'AllHostsFilter': lambda settings: AllHosts(),
    'AvailabilityZoneFilter': lambda settings: AvailabilityZone(settings.default_zone),
    'ComputeFilter': lambda settings: Compute(settings.service_down_time, settings.now),
    'ComputeCapabilitiesFilter': lambda settings: ComputeCapabilities(),
    'DifferentHostFilter': lambda settings: DifferentHost(),
    'ImagePropertiesFilter': lambda settings: ImageProperties(settings.default_architecture),
    'JsonFilter': lambda settings: JsonQuery(),
    'NumInstancesFilter': lambda settings: NumInstances(settings.max_servers),
    'SameHostFilter': lambda settings: SameHost(),
    'ServerGroupAffinityFilter': lambda settings: ServerGroup(AFFINITY),
    'ServerGroupAntiAffinityFilter': lambda settings: ServerGroup(ANTI_AFFINITY),
    'SimpleCIDRAffinityFilter': lambda settings: CidrAffinity(),
}

# What a request says must hold whichever filters are enabled.
ALWAYS: tuple[Callable[[Settings], Filter], ...] = (
    lambda settings: RequestedHost(),
    lambda settings: FailedBefore(),
    lambda settings: Offered(),
    FILTERS['AvailabilityZoneFilter'],
)

# Rules for things that servers cannot have yet, so that every host satisfies them.
WITHOUT_SUBJECT = {
    'PciPassthroughFilter': 'PCI devices',
    'NUMATopologyFilter': 'NUMA topologies',
}


def build(names: Iterable[str], settings: Settings) -> tuple[Filter, ...]:
    """The enabled filters in their order, after those that always apply. Raises Invalid if a name is unknown."""
    made = [make(settings) for make in ALWAYS]
    for name in dict.fromkeys(names):
        if name in WITHOUT_SUBJECT:
            LOG.info('%s has nothing to do: servers here have no %s.', name, WITHOUT_SUBJECT[name])
        elif name not in FILTERS:
            raise errors.Invalid(_unknown(name))
        elif FILTERS[name] not in ALWAYS:
            made.append(FILTERS[name](settings))
    return tuple(made)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, FILTERS, n=1)
    meant = f' Did you mean {near[0]}?' if near else ''
    return (
        f'Option enabled_filters in group [filter_scheduler] names {name}, which is not known.{meant} '
        f'Known are {", ".join(sorted(FILTERS))}.'
    )
