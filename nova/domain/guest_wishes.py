"""What a flavor and an image ask of a guest, and whether the two agree."""

import dataclasses
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from nova import errors
from nova.domain import guest_limits, image_properties
from nova.domain.flavor import Flavor

TRUE = frozenset({'1', 't', 'true', 'on', 'y', 'yes'})
# Of these there is a trait by which hosts say that they can emulate them.
EMULATED = ('aarch64', 'mipsel', 'ppc64le', 'riscv64', 's390x', 'x86_64')
# The property that keeps, among a server's system metadata, the machine type of its first start.
RECORDED_MACHINE = 'image_hw_machine_type'
MOST_SERIAL_PORTS = 4


class Wishes:
    """Reads `hw:name` in extra specs and `hw_name` in image properties. Where both have it, the flavor decides."""

    def __init__(self, extra_specs: Mapping[str, str], properties: Mapping[str, Any]):
        self._extra_specs = extra_specs
        self._properties = properties

    def spec(self, key: str) -> str | None:
        """An extra spec by its whole name."""
        return self._extra_specs.get(key)

    def specs(self) -> Collection[str]:
        """The names of all extra specs."""
        return tuple(self._extra_specs)

    def property(self, key: str) -> str | None:
        """An image property by its whole name."""
        value = self._properties.get(key)
        return None if value is None or value == '' else str(value)

    def text(self, name: str) -> str | None:
        return self.spec(f'hw:{name}') or self.property(f'hw_{name}')

    def choice(self, name: str, choices: Collection[str], default: str | None = None) -> str | None:
        value = self.text(name)
        if value is None:
            return default
        if value not in choices:
            known = ', '.join(sorted(choices))
            raise errors.ImageUnacceptable(f'hw_{name} is "{value}"; this host knows {known}.')
        return value

    def spec_number(self, key: str) -> int | None:
        """A number by the whole name of its extra spec. Raises Invalid for what is none."""
        return _as_number(key, self.spec(key))

    def number(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not value.strip().isdecimal():
            raise errors.ImageUnacceptable(f'hw_{name} is "{value}", which is not a number.')
        return int(value)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.text(name)
        return default if value is None else is_true(value)

    def hides_hypervisor(self) -> bool:
        """Whether the guest shall not see that it is one."""
        old = self.spec('hide_hypervisor_id')
        return (
            self.flag('hide_hypervisor_id')
            or bool(old and is_true(old))
            or is_true(self.property('img_hide_hypervisor_id') or '')
        )

    def is_windows(self) -> bool:
        return self.property('os_type') == 'windows'

    def secure_boot(self) -> str:
        """`required`, `optional` or `disabled`."""
        return self.spec('os:secure_boot') or self.property('os_secure_boot') or 'disabled'

    def emulated_architecture(self) -> str | None:
        named = (self.property('hw_emulation_architecture') or '').lower()
        return image_properties.SAME_ARCHITECTURE.get(named, named) or None

    def tpm(self) -> 'Tpm | None':
        version = self.text('tpm_version')
        return Tpm(version, self.text('tpm_model') or 'tpm-tis') if version else None


@dataclasses.dataclass(frozen=True)
class Tpm:
    """A trusted platform module: `version` 1.2 or 2.0, `model` tpm-tis or tpm-crb."""

    version: str
    model: str

    def traits(self) -> tuple[str, ...]:
        return (f'COMPUTE_SECURITY_TPM_{self.version.replace(".", "_")}',)


def is_true(text: str) -> bool:
    return text.strip().lower() in TRUE


def refuse(flavor: Flavor, properties: Mapping[str, Any]) -> None:
    """Raise Invalid unless a server of this flavor can be made from an image with these properties somewhere."""
    image_properties.refuse_unknown_values(properties)
    wishes = Wishes(flavor.extra_specs, properties)
    try:
        for rule in _RULES:
            if why := next(rule(wishes), None):
                raise errors.Invalid(why)
        refuse_impossible_topology(wishes, flavor.vcpus)
    except errors.ImageUnacceptable as failure:
        raise errors.Invalid(str(failure)) from failure


def required_traits(extra_specs: Mapping[str, str], properties: Mapping[str, Any]) -> tuple[str, ...]:
    """The traits that a host must have to make such a guest."""
    wishes = Wishes(extra_specs, properties)
    traits: tuple[str, ...] = wishes.tpm().traits() if wishes.tpm() else ()
    if wishes.secure_boot() == 'required':
        traits += ('COMPUTE_SECURITY_UEFI_SECURE_BOOT',)
    if (emulated := wishes.emulated_architecture()) in EMULATED:
        traits += (f'COMPUTE_ARCH_{emulated.upper()}',)
    return traits


# --- what no host can give yet


def beyond(wishes: Wishes) -> str | None:
    """The first thing asked for that hosts cannot give, as it was written; None if they can give all.

    To leave it out in silence would be worse than to find no host: who asks for a processor of their own relies on it.
    """
    for name, is_asked in _BEYOND.items():
        value = wishes.spec(name) if ':' in name else wishes.property(name)
        if value is not None and is_asked(value):
            return f'{name}={value}'
    return next((name for name in wishes.specs() if name.startswith(('hw:numa_cpus.', 'hw:numa_mem.'))), None)


def _always(_value: str) -> bool:
    return True


def _not_shared(value: str) -> bool:
    return value != 'shared'


def _not_the_clouds(value: str) -> bool:
    return value != 'deployment'


def _not_emulated(value: str) -> bool:
    return image_properties.SAME_ARCHITECTURE.get(value.lower(), value.lower()) not in EMULATED


def _some(value: str) -> bool:
    return value.strip() != '0'


_BEYOND: dict[str, Callable[[str], bool]] = {
    'hw:cpu_policy': _not_shared,
    'hw_cpu_policy': _not_shared,
    'hw:cpu_dedicated_mask': _always,
    'hw:cpu_realtime': is_true,
    'hw:emulator_threads_policy': _always,
    'hw:mem_page_size': _always,
    'hw_mem_page_size': _always,
    'hw:numa_nodes': _always,
    'hw_numa_nodes': _always,
    'hw_numa_cpus': _always,
    'hw_numa_mem': _always,
    'hw:pmem': _always,
    'hw:locked_memory': is_true,
    'hw_locked_memory': is_true,
    'hw:mem_encryption': is_true,
    'hw_mem_encryption': is_true,
    'hw:ephemeral_encryption': is_true,
    'hw_ephemeral_encryption': is_true,
    'hw:redirected_usb_ports': _some,
    'hw_redirected_usb_ports': _some,
    'hw:tpm_secret_security': _not_the_clouds,
    'accel:device_profile': _always,
    'pci_passthrough:alias': _always,
    'hw_emulation_architecture': _not_emulated,
}


# --- rules: each yields why the wishes cannot be granted


def _agreement(wishes: Wishes) -> Iterator[str]:
    for name in _SAME_TRUTH:
        spec, prop = wishes.spec(f'hw:{name}'), wishes.property(f'hw_{name}')
        if spec is not None and prop is not None and is_true(spec) != is_true(prop):
            yield _disagree(f'hw:{name}', spec, f'hw_{name}', prop)
    for spec_name, property_name in _SAME_TEXT:
        spec, prop = wishes.spec(spec_name), wishes.property(property_name)
        if spec is not None and prop is not None and spec != prop:
            yield _disagree(spec_name, spec, property_name, prop)


_SAME_TRUTH = ('vif_multiqueue_enabled', 'locked_memory', 'mem_encryption', 'pmu', 'virtio_packed_ring',
               'ephemeral_encryption')  # fmt: skip
_SAME_TEXT = (
    ('hw:tpm_version', 'hw_tpm_version'),
    ('hw:tpm_model', 'hw_tpm_model'),
    ('hw:cpu_thread_policy', 'hw_cpu_thread_policy'),
    ('hw:ephemeral_encryption_format', 'hw_ephemeral_encryption_format'),
    ('hw:maxphysaddr_mode', 'hw_maxphysaddr_mode'),
    ('hw:maxphysaddr_bits', 'hw_maxphysaddr_bits'),
    ('hw:mem_encryption_model', 'hw_mem_encryption_model'),
    ('hw:pci_numa_affinity_policy', 'hw_pci_numa_affinity_policy'),
    ('hw:viommu_model', 'hw_viommu_model'),
    ('os:secure_boot', 'os_secure_boot'),
)


def _disagree(spec: str, wanted: str, property_name: str, given: str) -> str:
    return f"The flavor's {spec} is {wanted} and the image's {property_name} is {given}; they must be the same."


def _choices(wishes: Wishes) -> Iterator[str]:
    for name, choices in _SPEC_CHOICES.items():
        value = wishes.spec(name)
        if value is not None and value not in choices:
            yield f'{name} is "{value[:64]}", and must be one of {", ".join(choices)}.'


# What a flavor may say is the same as what an image may, here.
_SPEC_CHOICES = {
    f'hw:{name}': image_properties.CHOICES[f'hw_{name}']
    for name in ('sound_model', 'usb_model', 'viommu_model', 'watchdog_action')
} | {'os:secure_boot': image_properties.CHOICES['os_secure_boot']}


def _tpm(wishes: Wishes) -> Iterator[str]:
    tpm = wishes.tpm()
    if tpm is None and wishes.text('tpm_model'):
        yield 'hw:tpm_model needs hw:tpm_version, which says that there shall be a TPM.'
    for what, value, known in (
        ('hw:tpm_version', tpm and tpm.version, ('1.2', '2.0')),
        ('hw:tpm_model', tpm and tpm.model, ('tpm-tis', 'tpm-crb')),
    ):
        if value and value not in known:
            yield f'{what} is {value}, and must be {" or ".join(known)}.'
    if tpm == Tpm('1.2', 'tpm-crb'):
        yield 'The TPM model tpm-crb needs the TPM version 2.0.'


def _firmware(wishes: Wishes) -> Iterator[str]:
    arm = 'aarch64' in (wishes.emulated_architecture(), wishes.property('hw_architecture'))
    uefi = wishes.text('firmware_type') == 'uefi' or arm
    if wishes.secure_boot() == 'required' and not uefi:
        yield 'Secure boot needs UEFI; set hw_firmware_type=uefi on the image.'
    if wishes.flag('mem_encryption') and not uefi:
        yield 'Memory encryption needs UEFI; set hw_firmware_type=uefi on the image.'
    if wishes.flag('firmware_stateless') and not uefi:
        yield 'A stateless firmware needs UEFI; set hw_firmware_type=uefi on the image.'


def _memory(wishes: Wishes) -> Iterator[str]:
    if wishes.flag('locked_memory') and wishes.text('mem_page_size') is None:
        yield "Memory can be locked only if hw:mem_page_size is set, so that the host's is counted."
    spec, prop = wishes.spec('hw:mem_page_size'), wishes.property('hw_mem_page_size')
    if prop and spec not in ('any', 'large'):
        yield f"The image's hw_mem_page_size={prop} needs a flavor with hw:mem_page_size=any or large."


def _cpus(wishes: Wishes) -> Iterator[str]:
    spec, prop = wishes.spec('hw:cpu_policy'), wishes.property('hw_cpu_policy')
    if spec == 'shared' and prop in ('dedicated', 'mixed'):
        yield _disagree('hw:cpu_policy', spec, 'hw_cpu_policy', prop)
    policy = spec or prop
    masks = [mask for mask in ('hw:cpu_dedicated_mask', 'hw:cpu_realtime_mask') if wishes.spec(mask)]
    if policy == 'mixed' and not masks:
        yield 'hw:cpu_policy=mixed needs hw:cpu_dedicated_mask, to say which processors are dedicated.'
    if policy != 'mixed' and wishes.spec('hw:cpu_dedicated_mask'):
        yield 'hw:cpu_dedicated_mask needs hw:cpu_policy=mixed.'
    if wishes.text('cpu_thread_policy') and policy not in ('dedicated', 'mixed'):
        yield 'hw:cpu_thread_policy needs hw:cpu_policy=dedicated.'
    if wishes.spec('hw:emulator_threads_policy') and policy not in ('dedicated', 'mixed'):
        yield 'hw:emulator_threads_policy needs hw:cpu_policy=dedicated.'


def _amounts(wishes: Wishes) -> Iterator[str]:
    ports, most_ports = _property_number(wishes, 'hw_serial_port_count'), wishes.spec_number('hw:serial_port_count')
    if ports is not None and most_ports is not None and ports > most_ports:
        yield f"The image's hw_serial_port_count is {ports}, and the flavor's hw:serial_port_count allows {most_ports}."
    video, most = _property_number(wishes, 'hw_video_ram'), wishes.spec_number('hw_video:ram_max_mb') or 0
    if video is not None and video > most:
        yield f"The image's hw_video_ram is {video} MB, and the flavor's hw_video:ram_max_mb allows {most} MB."
    asked = most_ports if ports is None else ports
    if asked is not None and asked > MOST_SERIAL_PORTS:
        yield f'{asked} serial ports are asked for; a guest has at most {MOST_SERIAL_PORTS}.'
    bits, mode = wishes.number('maxphysaddr_bits'), wishes.text('maxphysaddr_mode')
    if bits is not None and mode is None:
        yield 'hw_maxphysaddr_bits needs hw_maxphysaddr_mode.'
    if bits is None and mode == 'emulate':
        yield 'hw_maxphysaddr_mode=emulate needs hw_maxphysaddr_bits.'
    for name in ('hw_rng:rate_bytes', 'hw_rng:rate_period'):
        wishes.spec_number(name)


def _limits(wishes: Wishes) -> Iterator[str]:
    yield from guest_limits.refusals({name: wishes.spec(name) for name in wishes.specs()})


_RULES = (_agreement, _choices, _tpm, _firmware, _memory, _cpus, _amounts, _limits)


# --- sockets, cores, threads


@dataclasses.dataclass(frozen=True)
class Topology:
    sockets: int
    cores: int
    threads: int


PARTS = ('sockets', 'cores', 'threads')


def topology(vcpus: int, wishes: Wishes) -> Topology:
    """The arrangement that keeps the limits and as many of the wishes as can be; else a socket for each processor."""
    wanted = [wishes.number(f'cpu_{part}') for part in PARTS]
    most = [wishes.number(f'cpu_max_{part}') or vcpus for part in PARTS]
    possible = _arrangements(vcpus)
    allowed = [each for each in possible if all(n <= limit for n, limit in zip(each, most, strict=True))] or possible

    def merit(each: tuple[int, ...]) -> tuple:
        kept = sum(wish == number for wish, number in zip(wanted, each, strict=True))
        return kept, each

    return Topology(*max(allowed, key=merit))


def refuse_impossible_topology(wishes: Wishes, vcpus: int) -> None:
    """Raise Invalid if the flavor's numbers do not make up its processors, or the limits leave no arrangement."""
    exact = [wishes.spec_number(f'hw:cpu_{part}') for part in PARTS]
    most = [wishes.spec_number(f'hw:cpu_max_{part}') for part in PARTS]
    asked = [_property_number(wishes, f'hw_cpu_max_{part}') for part in PARTS]
    for part, limit, wish in zip(PARTS, most, asked, strict=True):
        if limit is not None and wish is not None and wish > limit:
            raise errors.Invalid(
                f"The image's hw_cpu_max_{part} is {wish}, which exceeds the flavor's hw:cpu_max_{part} of {limit}."
            )
    for part, limit in zip(PARTS, most, strict=True):
        wish = _property_number(wishes, f'hw_cpu_{part}')
        if limit is not None and wish is not None and wish > limit:
            raise errors.Invalid(
                f"The image's hw_cpu_{part} is {wish}, which exceeds the flavor's hw:cpu_max_{part} of {limit}."
            )
    for part, limit, number in zip(PARTS, most, exact, strict=True):
        if limit and number is not None and number > limit:
            raise errors.Invalid(
                f"The flavor's hw:cpu_{part} is {number}, which exceeds its hw:cpu_max_{part} of {limit}."
            )
    possible = _arrangements(vcpus)
    if not any(all(want in (None, n) for n, want in zip(each, exact, strict=True)) for each in possible):
        shown = ', '.join(f'{n} {part}' for part, n in zip(PARTS, exact, strict=True) if n is not None)
        raise errors.Invalid(f'{vcpus} virtual processors cannot be arranged in {shown}.')
    bounds = [wishes.number(f'cpu_max_{part}') or vcpus for part in PARTS]
    if not any(all(n <= bound for n, bound in zip(each, bounds, strict=True)) for each in possible):
        shown = ', '.join(f'{bound} {part}' for part, bound in zip(PARTS, bounds, strict=True))
        raise errors.Invalid(f'{vcpus} virtual processors cannot be arranged in at most {shown}.')


def _arrangements(vcpus: int) -> list[tuple[int, int, int]]:
    return [
        (vcpus // (cores * threads), cores, threads)
        for threads in _divisors(vcpus)
        for cores in _divisors(vcpus // threads)
    ]


def _divisors(number: int) -> list[int]:
    low = [n for n in range(1, math.isqrt(number) + 1) if number % n == 0]
    return sorted({*low, *(number // n for n in low)})


def _property_number(wishes: Wishes, key: str) -> int | None:
    return _as_number(key, wishes.property(key))


def _as_number(key: str, value: str | None) -> int | None:
    if value is None:
        return None
    if not value.strip().isdecimal():
        raise errors.Invalid(f'{key} is "{value[:64]}", which is not a number.')
    return int(value)
