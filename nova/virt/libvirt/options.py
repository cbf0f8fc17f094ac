"""Read the libvirt driver's settings from the configuration; only the code that builds the driver calls this."""

import importlib.metadata
import logging
import os
import platform

from oslo_config import cfg

from nova import errors
from nova.virt.libvirt import cpu_set
from nova.virt.libvirt.settings import Settings

LOG = logging.getLogger(__name__)

URIS = {'kvm': 'qemu:///system', 'qemu': 'qemu:///system'}
CACHE_MODES = ('default', 'none', 'writethrough', 'writeback', 'directsync', 'unsafe')
DISK_FORMATS = {'default': None, 'qcow2': 'qcow2', 'raw': 'raw', 'flat': 'raw'}


def settings_from(conf: cfg.ConfigOpts) -> Settings:
    """The driver's settings; Invalid if they name what this driver does not do."""
    _refuse_unusable(conf)
    options, shared = conf.libvirt, conf.compute.cpu_shared_set
    return Settings(
        host=conf.host,
        node=conf.host,
        version=importlib.metadata.version('nova'),
        arch=platform.machine(),
        instances_path=conf.instances_path,
        connection_uri=options.connection_uri or URIS[options.virt_type],
        virt_type=options.virt_type,
        cpu_mode=options.cpu_mode,
        cpu_models=tuple(options.cpu_models),
        cpu_flags=tuple(options.cpu_model_extra_flags),
        compares_cpus=not conf.workarounds.skip_cpu_compare_at_startup,
        machine_types=_pairs('hw_machine_type', options.hw_machine_type),
        pcie_ports=options.num_pcie_ports,
        tb_cache_mb=options.tb_cache_size,
        swtpm_enabled=options.swtpm_enabled,
        apic=not conf.workarounds.libvirt_disable_apic,
        file_backed_memory=options.file_backed_memory,
        pointer_model=conf.pointer_model,
        rng_device=options.rng_dev_path,
        vnc_enabled=conf.vnc.enabled,
        vnc_listen=conf.vnc.server_listen,
        vnc_proxyclient_address=conf.vnc.server_proxyclient_address,
        config_drive_format=conf.config_drive_format,
        mkisofs_command=conf.mkisofs_cmd,
        disk_format=DISK_FORMATS[options.images_type] or ('qcow2' if conf.use_cow_images else 'raw'),
        preallocate=conf.preallocate_images == 'space',
        ephemeral_format=conf.default_ephemeral_format,
        mkfs_commands=_commands(conf.virt_mkfs),
        disk_prefix=options.disk_prefix,
        discard=options.hw_disk_discard,
        cache_modes=_cache_modes(options.disk_cachemodes),
        nic_model='virtio' if options.use_virtio_for_bridges else None,
        rx_queue_size=options.rx_queue_size,
        tx_queue_size=options.tx_queue_size,
        max_queues=options.max_queues,
        serial_source=options.sysinfo_serial,
        memory_stats_period=options.mem_stats_period_seconds,
        qemu_img_memory_gb=options.images_address_space_limit,
        qemu_img_cpu_seconds=options.images_cpu_time_limit,
        snapshots_path=options.snapshots_directory,
        snapshot_format=options.snapshot_image_format,
        snapshot_compression=options.snapshot_compression,
        live_snapshots=not conf.workarounds.disable_libvirt_livesnapshot,
        shutdown_retry=conf.compute.shutdown_retry_interval,
        reserved_directory=_image_cache(conf) if conf.workarounds.reserve_disk_resource_for_image_cache else None,
        detach_attempts=options.device_detach_attempts,
        detach_timeout=options.device_detach_timeout,
        shared_cpus=cpu_set.parse(shared) if shared else None,
        excluded_formats=tuple(conf.compute.image_type_exclude_list),
    )


def _refuse_unusable(conf: cfg.ConfigOpts) -> None:
    options = conf.libvirt
    if options.virt_type not in URIS:
        raise errors.Invalid(f'[libvirt] virt_type = {options.virt_type} cannot be used; set it to kvm or qemu.')
    if options.images_type not in DISK_FORMATS:
        raise errors.Invalid(f'[libvirt] images_type = {options.images_type} cannot be used; set it to qcow2 or raw.')
    if options.cpu_mode == 'custom' and not options.cpu_models:
        raise errors.Invalid('[libvirt] cpu_mode = custom needs cpu_models to name a model.')
    _refuse_overcommitted_files(conf)
    if options.cpu_mode == 'none' and options.cpu_model_extra_flags:
        LOG.warning('[libvirt] cpu_model_extra_flags has no effect with cpu_mode = none.')


def _refuse_overcommitted_files(conf: cfg.ConfigOpts) -> None:
    ratio = conf.ram_allocation_ratio or conf.initial_ram_allocation_ratio
    if conf.libvirt.file_backed_memory and ratio != 1.0:
        raise errors.Invalid(
            f'[libvirt] file_backed_memory needs ram_allocation_ratio = 1.0, and it is {ratio:g}: files cannot hold more '
            'than they are large.'
        )


def _image_cache(conf: cfg.ConfigOpts) -> str:
    return os.path.join(conf.instances_path, conf.image_cache.subdirectory_name)


def _cache_modes(entries: list[str]) -> dict[str, str]:
    modes = _pairs('disk_cachemodes', entries)
    for kind, mode in modes.items():
        if mode not in CACHE_MODES:
            raise errors.Invalid(f'[libvirt] disk_cachemodes has {kind}={mode}; modes are {", ".join(CACHE_MODES)}.')
    return modes


def _commands(entries: list[str]) -> dict[str, str]:
    commands = dict(entry.split('=', 1) for entry in entries if '=' in entry)
    if len(commands) != len(entries):
        raise errors.Invalid(
            'virt_mkfs must name a system and a command, as in linux=mkfs.ext4 -L %(fs_label)s %(target)s.'
        )
    return commands


def _pairs(option: str, entries: list[str] | None) -> dict[str, str]:
    pairs = dict(entry.split('=', 1) for entry in entries or () if '=' in entry)
    if len(pairs) != len(entries or ()):
        raise errors.Invalid(f'[libvirt] {option} must be a list of name=value, each name once.')
    return pairs
