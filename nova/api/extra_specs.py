"""Check flavor extra specs whose meaning is known; the others are the operators' own business."""

import dataclasses
import functools
import re

import os_resource_classes
import os_traits

from nova import errors

# In these namespaces a name that is not known is a mistake.
NAMESPACES = frozenset(
    {
        'accel',
        'aggregate_instance_extra_specs',
        'capabilities',
        'hw',
        'hw_rng',
        'hw_video',
        'os',
        'pci_passthrough',
        'quota',
        'resources',
        'trait',
        'vmware',
    }
)
_BOOLEANS = frozenset({'true', 'false', '1', '0', 'on', 'off', 'yes', 'no', 'y', 'n', 't', 'f'})
_CPUS = r'\^?\d+(-\d+|,\^?\d+)*'
_GROUP = r'([a-zA-Z0-9_-]{1,64})?'


@dataclasses.dataclass(frozen=True)
class Spec:
    """What the value of one extra spec may be."""

    kind: type = str
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    pattern: str | None = None

    def refusal(self, value: str) -> str | None:
        """Why the value will not do, or None."""
        if self.kind is bool and value.strip().lower() not in _BOOLEANS:
            return 'it must be a boolean'
        if self.kind is int:
            return self._number_refusal(value)
        if self.choices and value not in self.choices:
            return f'it must be one of {", ".join(self.choices)}'
        if self.pattern and not re.fullmatch(self.pattern, value):
            return f'it must match {self.pattern}'
        return None

    def _number_refusal(self, value: str) -> str | None:
        if not re.fullmatch(r'[+-]?\d{1,19}', value.strip()):
            return 'it must be an integer'
        if self.least is not None and int(value) < self.least:
            return f'it must not be less than {self.least}'
        if self.most is not None and int(value) > self.most:
            return f'it must not be greater than {self.most}'
        return None


_ANY, _BOOLEAN, _INTEGER, _NATURAL, _POSITIVE = Spec(), Spec(bool), Spec(int), Spec(int, least=0), Spec(int, least=1)
_LEVEL = Spec(choices=('custom', 'high', 'normal', 'low'))
_CPU_SET = Spec(pattern=_CPUS)
_TRAIT = Spec(choices=('required', 'forbidden'))

_SPECS = {
    'accel:device_profile': _ANY,
    'group_policy': Spec(choices=('isolate', 'none')),
    'hide_hypervisor_id': _BOOLEAN,
    'hw:boot_menu': _BOOLEAN,
    'hw:cpu_cores': _POSITIVE,
    'hw:cpu_dedicated_mask': _CPU_SET,
    'hw:cpu_max_cores': _POSITIVE,
    'hw:cpu_max_sockets': _POSITIVE,
    'hw:cpu_max_threads': _POSITIVE,
    'hw:cpu_policy': Spec(choices=('dedicated', 'shared', 'mixed')),
    'hw:cpu_realtime': _BOOLEAN,
    'hw:cpu_realtime_mask': _CPU_SET,
    'hw:cpu_sockets': _POSITIVE,
    'hw:cpu_thread_policy': Spec(choices=('prefer', 'isolate', 'require')),
    'hw:cpu_threads': _POSITIVE,
    'hw:emulator_threads_policy': Spec(choices=('isolate', 'share')),
    'hw:ephemeral_encryption': _BOOLEAN,
    'hw:ephemeral_encryption_format': Spec(choices=('plain', 'luks', 'luksv2')),
    'hw:hide_hypervisor_id': _BOOLEAN,
    'hw:locked_memory': _BOOLEAN,
    'hw:mem_encryption': _BOOLEAN,
    'hw:mem_encryption_model': Spec(choices=('amd-sev', 'amd-sev-es', 'amd-sev-snp', 'intel-tdx')),
    'hw:mem_page_size': Spec(pattern=r'(large|small|any|\d+([kKMGT]i?)?(b|bit|B)?)'),
    'hw:numa_nodes': _POSITIVE,
    'hw:pci_numa_affinity_policy': Spec(choices=('required', 'preferred', 'legacy', 'socket')),
    'hw:pmem': Spec(pattern=r'[a-zA-Z0-9_]+(,[a-zA-Z0-9_]+)*,?'),
    'hw:pmu': _BOOLEAN,
    'hw:redirected_usb_ports': Spec(int, least=0, most=15),
    'hw:serial_port_count': _NATURAL,
    'hw:sound_model': Spec(choices=('sb16', 'es1370', 'pcspk', 'ac97', 'ich6', 'ich9', 'usb', 'virtio')),
    'hw:tpm_model': Spec(choices=('tpm-tis', 'tpm-crb')),
    'hw:tpm_secret_security': Spec(choices=('user', 'host', 'deployment')),
    'hw:tpm_version': Spec(choices=('1.2', '2.0')),
    'hw:usb_model': Spec(choices=('none', 'nec-xhci', 'qemu-xhci')),
    'hw:vif_multiqueue_enabled': _BOOLEAN,
    'hw:viommu_model': Spec(choices=('intel', 'smmuv3', 'virtio', 'auto')),
    'hw:virtio_packed_ring': _BOOLEAN,
    'hw:watchdog_action': Spec(choices=('none', 'pause', 'poweroff', 'reset', 'disabled')),
    'hw_rng:allowed': _BOOLEAN,
    'hw_rng:rate_bytes': _NATURAL,
    'hw_rng:rate_period': _NATURAL,
    'hw_video:ram_max_mb': _NATURAL,
    'os:secure_boot': Spec(choices=('disabled', 'required')),
    'pci_passthrough:alias': Spec(pattern=r'[^:]+:\d+(\s*,\s*[^:]+:\d+)*'),
    'quota:cpu_limit': _NATURAL,
    'quota:cpu_period': _NATURAL,
    'quota:cpu_quota': _INTEGER,
    'quota:cpu_reservation': _INTEGER,
    'quota:cpu_shares': _NATURAL,
    'quota:cpu_shares_level': _LEVEL,
    'quota:cpu_shares_share': _NATURAL,
    'quota:disk_io_limit': _NATURAL,
    'quota:disk_io_reservation': _INTEGER,
    'quota:disk_io_shares_level': _LEVEL,
    'quota:disk_io_shares_share': _NATURAL,
    'quota:disk_read_bytes_sec': _NATURAL,
    'quota:disk_read_iops_sec': _NATURAL,
    'quota:disk_total_bytes_sec': _NATURAL,
    'quota:disk_total_iops_sec': _NATURAL,
    'quota:disk_write_bytes_sec': _NATURAL,
    'quota:disk_write_iops_sec': _NATURAL,
    'quota:memory_limit': _NATURAL,
    'quota:memory_reservation': _INTEGER,
    'quota:memory_shares_level': _LEVEL,
    'quota:memory_shares_share': _NATURAL,
    'quota:vif_inbound_average': _NATURAL,
    'quota:vif_inbound_burst': _NATURAL,
    'quota:vif_inbound_peak': _NATURAL,
    'quota:vif_limit': _NATURAL,
    'quota:vif_outbound_average': _NATURAL,
    'quota:vif_outbound_burst': _NATURAL,
    'quota:vif_outbound_peak': _NATURAL,
    'quota:vif_reservation': _INTEGER,
    'quota:vif_shares_level': _LEVEL,
    'quota:vif_shares_share': _NATURAL,
    'vmware:hw_version': _ANY,
    'vmware:storage_policy': _ANY,
}
_CAPABILITIES = frozenset(
    {
        'aggregates',
        'cell_uuid',
        'cpu_allocation_ratio',
        'current_workload',
        'disk_allocation_ratio',
        'disk_available_least',
        'disk_mb_used',
        'failed_builds',
        'free_disk_gb',
        'free_disk_mb',
        'free_ram_mb',
        'host',
        'host_ip',
        'hypervisor_hostname',
        'hypervisor_type',
        'hypervisor_version',
        'id',
        'local_gb',
        'local_gb_used',
        'mapped',
        'memory_mb',
        'memory_mb_used',
        'num_instances',
        'num_io_ops',
        'ram_allocation_ratio',
        'running_vms',
        'service_id',
        'total_usable_disk_gb',
        'total_usable_ram_mb',
        'updated',
        'uuid',
        'vcpus',
        'vcpus_total',
        'vcpus_used',
    }
)
_NESTED_CAPABILITIES = frozenset(
    {
        'cpu_info',
        'instances',
        'limits',
        'metrics',
        'nodename',
        'numa_topology',
        'pci_device_pools',
        'pci_stats',
        'stats',
        'supported_hv_specs',
        'supported_instances',
    }
)

_PATTERNS = (
    (re.compile(r'hw:numa_cpus\.\d+'), _CPU_SET),
    (re.compile(r'hw:numa_mem\.\d+'), _POSITIVE),
    (re.compile(r'aggregate_instance_extra_specs:.+'), _ANY),
)


def check(name: str, value: str) -> None:
    """Raise Invalid, saying what would do, if the extra spec is one of ours and its value is not."""
    spec = _find(name)
    if spec is None:
        namespace = re.match(r'(resources|trait)(?=[A-Za-z0-9_-]*:)|[^:]*(?=:)', name)
        if namespace and namespace[0] in NAMESPACES:
            raise errors.Invalid(f"Validation failed; extra spec '{name}' does not appear to be a valid extra spec.")
        return
    refusal = spec.refusal(value)
    if refusal:
        raise errors.Invalid(f"Validation failed; '{value[:128]}' is no value for extra spec '{name}': {refusal}.")


def _find(name: str) -> Spec | None:
    if name in _SPECS:
        return _SPECS[name]
    for pattern, spec in _PATTERNS:
        if pattern.fullmatch(name):
            return spec
    scope, _, rest = name.partition(':')
    if scope == 'capabilities':
        first = rest.partition(':')[0]
        known = rest in _CAPABILITIES or (first in _NESTED_CAPABILITIES and re.fullmatch(r'\w+(:\w+)*', rest))
        return _ANY if known else None
    if re.fullmatch(f'resources{_GROUP}', scope):
        return _INTEGER if re.fullmatch(r'CUSTOM_[A-Z0-9_]+', rest) or rest in os_resource_classes.STANDARDS else None
    if re.fullmatch(f'trait{_GROUP}', scope):
        return _TRAIT if re.fullmatch(r'CUSTOM_[A-Z0-9_]+', rest) or rest in _standard_traits() else None
    return None


@functools.cache
def _standard_traits() -> frozenset[str]:
    return frozenset(os_traits.get_traits())
