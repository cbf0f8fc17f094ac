"""Tell what the host has, from the kernel and from libvirt."""

import contextlib
import dataclasses
import datetime
import os
from collections.abc import Collection, Mapping
from typing import Any

import os_traits

from nova import errors
from nova.domain.host import HostReport, Inventory
from nova.virt.libvirt import capabilities, tpm
from nova.virt.libvirt.connection import Connection
from nova.virt.libvirt.domain_xml.machine import DEFAULT_TYPES, X86
from nova.virt.libvirt.domain_xml.processor import cpu_mode
from nova.virt.libvirt.settings import Settings
from nova.virt.libvirt.storage import Storage
from nova.virt.libvirt.virt_type import usable_virt_type

GIB, MIB, KIB = 1 << 30, 1 << 20, 1 << 10
HYPERVISOR = 'QEMU'
# The processor of guests that are given none.
QEMUS_OWN = 'qemu64'


@dataclasses.dataclass(frozen=True)
class _Lasting:
    """What does not change while libvirt runs."""

    version: int = 0
    cpu_info: dict[str, Any] = dataclasses.field(default_factory=dict)
    supported_instances: tuple[tuple[str, ...], ...] = ()
    traits: tuple[str, ...] = ()
    host_uuid: str | None = None
    machine_types: dict[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    # What each of the processor models that the operator names gives to guests, in their order.
    models: tuple[tuple[str, frozenset[str]], ...] = ()


class HostInventory:
    """Reports on one host. libvirt is asked for what lasts once for each connection."""

    def __init__(self, settings: Settings, connection: Connection, storage: Storage):
        self._settings = settings
        self._connection = connection
        self._storage = storage
        self._lasting = _Lasting()
        self._learnt_on = 0

    def report(self) -> HostReport:
        settings = self._settings
        trouble = self._learn() or self._unusable()
        memory = _memory()
        disk = _disk(settings.instances_path)
        return HostReport(
            host=settings.host,
            node=settings.node,
            node_id='',
            hypervisor_type=HYPERVISOR,
            hypervisor_version=self._lasting.version,
            inventory=self._inventory(memory['MemTotal'] // MIB, disk.total // GIB),
            traits=self._lasting.traits,
            cpu_info=self._lasting.cpu_info,
            supported_instances=self._lasting.supported_instances,
            uptime=_uptime(),
            free_disk_gb=disk.free // GIB,
            free_memory_mb=memory['MemAvailable'] // MIB,
            disk_available_least=(disk.free - self._storage.promised()) // GIB,
            running_guests=self._running(),
            trouble=trouble,
        )

    def host_uuid(self) -> str | None:
        self._learn()
        return self._lasting.host_uuid

    def cpu_model(self, extra_specs: Mapping[str, str]) -> str | None:
        """The first of the operator's processor models that has all that a flavor demands of processors."""
        self._learn()
        wanted = {
            key.removeprefix('trait:')
            for key, rule in extra_specs.items()
            if key.startswith('trait:HW_CPU_') and rule == 'required'
        }
        if not wanted or not self._lasting.models:
            return None
        found = next((name for name, offered in self._lasting.models if wanted <= offered), None)
        if found is None:
            raise errors.NotImplementedHere(f'No processor model of this host has {", ".join(sorted(wanted))}.')
        return found

    def runs(self, arch: str) -> bool:
        """Whether guests of this architecture can run here, on whatever."""
        self._learn()
        return any(known == arch for known, _kind, _mode in self._lasting.supported_instances)

    def refuse_unknown_machine(self, arch: str, machine: str | None) -> None:
        """Raise HostFailed for a machine type that QEMU does not have; that of another host may."""
        self._learn()
        known = self._lasting.machine_types.get(arch)
        if machine and known and machine not in known:
            raise errors.HostFailed(
                f'QEMU on this host has no machine type {machine} for {arch}; see hw_machine_type of the image and '
                '[libvirt] hw_machine_type.'
            )

    def has_secure_boot(self) -> bool:
        """Whether there is a firmware that starts only what is signed."""
        self._learn()
        return os_traits.COMPUTE_SECURITY_UEFI_SECURE_BOOT in self._lasting.traits

    def _learn(self) -> str | None:
        """Ask libvirt what is not known yet. The sentence that says why it could not be asked, or None."""
        trouble = self._connection.link.trouble()
        if trouble or self._learnt_on == self._connection.link.generation:
            return trouble
        try:
            self._lasting, self._learnt_on = self._ask(), self._connection.link.generation
        except (errors.HostFailed, errors.HostAway) as failure:
            return str(failure)
        return None

    def _ask(self) -> _Lasting:
        host = self._connection.capabilities()
        processor = capabilities.host_processor(host)
        kinds = capabilities.supported_instances(host)
        wanted = self._settings.virt_type
        traits: frozenset[str] = frozenset()
        version, models = self._connection.version(), self._models(processor)
        if any(kind == wanted for _arch, kind, _mode in kinds):
            traits = self._traits(processor, version, models)
            traits |= capabilities.emulation_traits(kinds) | tpm.traits(self._settings)
        return _Lasting(
            version=version,
            cpu_info=capabilities.cpu_info(processor),
            supported_instances=kinds,
            traits=tuple(sorted(traits)),
            host_uuid=capabilities.host_uuid(host),
            machine_types=capabilities.machine_types(host),
            models=models,
        )

    def _traits(
        self, processor: capabilities.Processor, version: int, models: tuple[tuple[str, frozenset[str]], ...]
    ) -> frozenset[str]:
        settings, arch = self._settings, processor.arch
        virt_type, machine = settings.virt_type, self._machine(arch)
        offered = capabilities.offers(self._connection.domain_capabilities(arch, virt_type, machine))
        if arch in X86 and 'q35' not in (machine or ''):
            # Of the usual machine types this one alone has secure boot, and guests may choose it.
            capable = capabilities.offers(self._connection.domain_capabilities(arch, virt_type, 'q35'))
            offered = dataclasses.replace(offered, secure_boot=offered.secure_boot or capable.secure_boot)
        found = capabilities.ability_traits(offered, arch, version, settings.excluded_formats)
        if settings.file_backed_memory:
            found |= {os_traits.COMPUTE_MEM_BACKING_FILE}
        if processor.topology.get('threads', 1) > 1:
            found |= {os_traits.HW_CPU_HYPERTHREADING}
        return found | self._processor_traits(processor, offered.host_model).union(*(has for _name, has in models))

    def _processor_traits(self, processor: capabilities.Processor, host_model: str | None) -> frozenset[str]:
        """Of the processor that guests get. Those of the operator's models are known by other means."""
        arch, mode = processor.arch, cpu_mode(dataclasses.replace(self._settings, arch=processor.arch))
        if mode == 'custom':
            return capabilities.processor_traits(arch, frozenset())
        chosen = capabilities.plain_model(QEMUS_OWN) if mode == 'none' and arch in X86 else host_model
        return capabilities.processor_traits(arch, self._flagged(self._expanded(arch, chosen, processor.features)))

    def _machine(self, arch: str) -> str | None:
        return self._settings.machine_types.get(arch) or DEFAULT_TYPES.get(arch)

    def _expanded(self, arch: str, cpu: str | None, otherwise: frozenset[str]) -> frozenset[str]:
        if cpu is None:
            return otherwise
        expanded = self._connection.expanded_cpu(arch, self._settings.virt_type, self._machine(arch), cpu)
        return capabilities.features_of(expanded)

    def _flagged(self, features: frozenset[str]) -> frozenset[str]:
        """With the features that the operator adds, and without those that they take away."""
        flags = self._settings.cpu_flags if self._settings.cpu_mode != 'none' else ()
        return (features | _added(flags)) - {flag.lstrip('-').lower() for flag in flags if flag.startswith('-')}

    def _models(self, processor: capabilities.Processor) -> tuple[tuple[str, frozenset[str]], ...]:
        """libvirt refuses, with a reason, a model that it does not know."""
        settings, arch = self._settings, processor.arch
        if settings.cpu_mode != 'custom':
            return ()
        # Software emulates what it can of any model.
        if settings.compares_cpus and settings.virt_type == 'kvm':
            self._compare(arch)
        described = ((name, capabilities.plain_model(name)) for name in settings.cpu_models)
        return tuple(
            (name, capabilities.processor_traits(arch, self._flagged(self._expanded(arch, cpu, frozenset()))))
            for name, cpu in described
        )

    def _compare(self, arch: str) -> None:
        """Raise HostFailed unless this host can run each model, with the features that the operator adds."""
        settings, added = self._settings, _added(self._settings.cpu_flags)
        for name in settings.cpu_models:
            cpu = capabilities.plain_model(name, added)
            if not self._connection.can_be(arch, settings.virt_type, self._machine(arch), cpu):
                raise errors.HostFailed(
                    f'Guests on this host cannot have the processor {" with ".join((name, *sorted(added)))}; change '
                    '[libvirt] cpu_models or cpu_model_extra_flags, or set [workarounds] skip_cpu_compare_at_startup.'
                )

    def _unusable(self) -> str | None:
        """Why guests of the configured kind cannot run here, if so."""
        wanted, kinds = self._settings.virt_type, self._lasting.supported_instances
        if wanted == 'kvm' and usable_virt_type(_read('/proc/cpuinfo'), os.path.exists('/dev/kvm')) != 'kvm':
            return (
                'The processor offers no virtualization (svm or vmx), or /dev/kvm is missing; set [libvirt] virt_type = '
                'qemu on this host, or turn virtualization on in its firmware.'
            )
        if all(kind != wanted for _arch, kind, _mode in kinds):
            return f'libvirt cannot run guests of the type {wanted}; install QEMU, or set [libvirt] virt_type.'
        return None

    def _running(self) -> int:
        try:
            return self._connection.running()
        except (errors.HostFailed, errors.HostAway):
            return 0

    def _inventory(self, memory_mb: int, disk_gb: int) -> Inventory:
        settings = self._settings
        return Inventory(
            vcpus=len(settings.shared_cpus) if settings.shared_cpus else os.cpu_count() or 1,
            memory_mb=settings.file_backed_memory or memory_mb,
            disk_gb=disk_gb,
            reserved_disk_gb=-(-_size_of(settings.reserved_directory) // GIB) if settings.reserved_directory else 0,
        )


def _added(flags: Collection[str]) -> frozenset[str]:
    return frozenset(flag.lstrip('+').lower() for flag in flags if not flag.startswith('-'))


@dataclasses.dataclass(frozen=True)
class _Disk:
    total: int
    free: int


def _disk(path: str) -> _Disk:
    os.makedirs(path, exist_ok=True)
    space = os.statvfs(path)
    return _Disk(space.f_blocks * space.f_frsize, space.f_bavail * space.f_frsize)


def _size_of(directory: str) -> int:
    """What the files in a directory take of the disk, in bytes. They may go while they are counted."""
    size = 0
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(directory):
            with contextlib.suppress(FileNotFoundError):
                size += entry.stat(follow_symlinks=False).st_blocks * 512
    return size


def _memory() -> dict[str, int]:
    """The kernel's figures on memory, in bytes."""
    lines = (line.split() for line in _read('/proc/meminfo').splitlines())
    return {words[0].rstrip(':'): int(words[1]) * KIB for words in lines}


def _uptime() -> str:
    """As the command `uptime` prints it."""
    minutes = int(float(_read('/proc/uptime').split()[0])) // 60
    load = ', '.join(f'{average:.2f}' for average in os.getloadavg())
    up = f'{minutes // 1440} days, {minutes // 60 % 24:2}:{minutes % 60:02}'
    return f' {datetime.datetime.now():%H:%M:%S} up {up},  load average: {load}'


def _read(path: str) -> str:
    with open(path, encoding='utf-8', errors='replace') as file:
        return file.read()
