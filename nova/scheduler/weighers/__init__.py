"""The preferences that order hosts, by the names that `weight_classes` knows."""

from collections.abc import Iterable, Mapping

from nova import errors
from nova.scheduler.place import Weigher
from nova.scheduler.weighers.cpu import CPU
from nova.scheduler.weighers.disk import Disk
from nova.scheduler.weighers.hypervisor_version import HypervisorVersion
from nova.scheduler.weighers.num_instances import NumInstances
from nova.scheduler.weighers.ram import RAM
from nova.scheduler.weighers.soft_affinity import SoftAffinity
from nova.scheduler.weighers.soft_anti_affinity import SoftAntiAffinity

ALL = 'nova.scheduler.weights.all_weighers'

WEIGHERS = {
    'nova.scheduler.weights.ram.RAMWeigher': RAM,
    'nova.scheduler.weights.cpu.CPUWeigher': CPU,
    'nova.scheduler.weights.disk.DiskWeigher': Disk,
    'nova.scheduler.weights.num_instances.NumInstancesWeigher': NumInstances,
    'nova.scheduler.weights.affinity.ServerGroupSoftAffinityWeigher': SoftAffinity,
    'nova.scheduler.weights.affinity.ServerGroupSoftAntiAffinityWeigher': SoftAntiAffinity,
    'nova.scheduler.weights.hypervisor_version.HypervisorVersionWeigher': HypervisorVersion,
}


def build(classes: Iterable[str], multipliers: Mapping[str, float]) -> tuple[Weigher, ...]:
    """The weighers of `weight_classes`, with the multiplier for each by its short name.

    Raises Invalid if a name is unknown.
    """
    names = list(dict.fromkeys(name for given in classes for name in (WEIGHERS if given == ALL else (given,))))
    if unknown := [name for name in names if name not in WEIGHERS]:
        raise errors.Invalid(
            f'Option weight_classes in group [filter_scheduler] names {", ".join(unknown)}, which is not known. '
            f'Known are {ALL} and {", ".join(sorted(WEIGHERS))}.'
        )
    return tuple(WEIGHERS[name](multipliers[WEIGHERS[name].name]) for name in names)
