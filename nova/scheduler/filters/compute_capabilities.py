"""Match a flavor's extra specs (`capabilities:...`, and those without a scope) with what the host says of itself."""

import json
from collections.abc import Callable
from typing import Any

from nova.domain.host import Host
from nova.domain.request import PlacementRequest

ATTRIBUTES: dict[str, Callable[[Host], Any]] = {
    'host': lambda host: host.name,
    'hypervisor_hostname': lambda host: host.node,
    'hypervisor_type': lambda host: host.hypervisor_type,
    'hypervisor_version': lambda host: host.hypervisor_version,
    'num_instances': lambda host: host.servers,
    'free_ram_mb': lambda host: host.inventory.memory_mb - host.inventory.reserved_memory_mb - host.claimed_memory_mb,
    'free_disk_mb': lambda host: (
        (host.inventory.disk_gb - host.inventory.reserved_disk_gb - host.claimed_disk_gb) * 1024
    ),
    'total_usable_ram_mb': lambda host: host.inventory.memory_mb,
    'vcpus_total': lambda host: host.inventory.vcpus,
    'vcpus_used': lambda host: host.claimed_vcpus,
    'cpu_info': lambda host: host.cpu_info,
}


class ComputeCapabilities:
    always = False

    def reject(self, host: Host, request: PlacementRequest) -> str | None:
        for key, wanted in request.extra_specs.items():
            path = key.split(':')
            if len(path) > 1 and path.pop(0) != 'capabilities':
                continue
            found = _at(host, path)
            if found is None:
                return f'It says nothing of {key}, which the flavor asks for.'
            if not satisfies(found, wanted):
                return f'Its {":".join(path)} is {_short(found)}; the flavor asks for {wanted}.'
        return None


def satisfies(found: Any, wanted: str) -> bool:
    """Whether a value meets a requirement such as `>= 5`, `s== 2.1`, `<in> gcc`, `<all-in> a b`, `<or> a <or> b`."""
    words = wanted.split()
    if not words:
        return str(found) == ''
    operator, operands = words[0], words[1:]
    if operator == '<or>':
        return any(_equal(found, choice) for choice in operands if choice != '<or>')
    if operator == '<all-in>':
        return all(choice in _collection(found) for choice in operands)
    if operator == '<in>':
        return ' '.join(operands) in found if isinstance(found, list | dict) else ' '.join(operands) in str(found)
    if operator in _AS_NUMBERS:
        return _compare(_AS_NUMBERS[operator], found, operands, float)
    if operator in _AS_STRINGS:
        return _compare(_AS_STRINGS[operator], found, [' '.join(operands)], str)
    return _equal(found, wanted)


_AS_NUMBERS: dict[str, Callable[[Any, Any], bool]] = {
    # The plain sign means "at least", as for a number of processors.
    '=': lambda found, wanted: found >= wanted,
    '==': lambda found, wanted: found == wanted,
    '!=': lambda found, wanted: found != wanted,
    '>=': lambda found, wanted: found >= wanted,
    '<=': lambda found, wanted: found <= wanted,
}
_AS_STRINGS: dict[str, Callable[[Any, Any], bool]] = {
    's==': lambda found, wanted: found == wanted,
    's!=': lambda found, wanted: found != wanted,
    's>=': lambda found, wanted: found >= wanted,
    's>': lambda found, wanted: found > wanted,
    's<=': lambda found, wanted: found <= wanted,
    's<': lambda found, wanted: found < wanted,
}


def _compare(operator: Callable[[Any, Any], bool], found: Any, operands: list[str], kind: type) -> bool:
    try:
        return operator(kind(found), kind(operands[0]))
    except (ValueError, TypeError, IndexError):
        return False


def _equal(found: Any, wanted: str) -> bool:
    return str(found) == wanted or (isinstance(found, bool) and str(found).lower() == wanted.lower())


def _collection(found: Any) -> Any:
    return found if isinstance(found, list | dict | tuple) else str(found)


def _at(host: Host, path: list[str]) -> Any:
    if path[0] not in ATTRIBUTES:
        return None
    found = ATTRIBUTES[path[0]](host)
    for part in path[1:]:
        if not isinstance(found, dict) or part not in found:
            return None
        found = found[part]
    return found


def _short(found: Any) -> str:
    text = json.dumps(found) if isinstance(found, list | dict) else str(found)
    return text if len(text) <= 80 else f'{text[:77]}...'
