"""Declare the options of all daemons and tools, and read them from the command line and files."""

import importlib
from collections.abc import Callable, Sequence
from importlib import metadata

from oslo_config import cfg
from oslo_log import log

from nova.conf import known, neighbours

GROUPS = (
    'default',
    'api',
    'api_database',
    'cinder',
    'compute',
    'conductor',
    'console',
    'consoleauth',
    'database',
    'filter_scheduler',
    'glance',
    'health',
    'image_cache',
    'keystone',
    'libvirt',
    'network',
    'neutron',
    'notifications',
    'operations',
    'oslo_middleware',
    'placement',
    'quota',
    'scheduler',
    'service_user',
    'vendordata_dynamic_auth',
    'vnc',
    'workarounds',
)


# Libraries that say more than an operator would act on; default_log_levels overrides this.
QUIET = tuple(
    f'{name}=WARN' for name in ('alembic', 'keystoneauth', 'oslo_service', 'oslo.service', 'stevedore', 'urllib3')
)


def register(conf: cfg.ConfigOpts, with_neighbours: bool = True) -> None:
    """Declare every group's options. A process that calls no neighbour saves the memory of their loaders."""
    for module in _modules():
        conf.register_opts(module.OPTS, group=None if module.GROUP == 'DEFAULT' else module.GROUP)
        if with_neighbours and (service_type := getattr(module, 'SERVICE_TYPE', None)) is not None:
            neighbours.register(conf, module.GROUP, service_type)


def load(
    argv: Sequence[str],
    prog: str,
    cli: Callable[[cfg.ConfigOpts], None] | None = None,
    with_neighbours: bool = True,
    default_config_files: Sequence[str] | None = None,
    **shown_by_help: str | None,
) -> cfg.ConfigOpts:
    """The options of this process: a fresh object, filled from `argv` (without the program's name) and the files.

    `cli` declares the options that only this program takes on its command line. Without --config-file the files
    nova.conf and <prog>.conf are looked for in the usual places, /etc/nova among them. A value that does not fit
    its option raises oslo.config's error, which names both. `shown_by_help` is a description and an epilog.
    """
    conf = cfg.ConfigOpts()
    log.set_defaults(default_log_levels=[*log.get_default_log_levels(), *QUIET])
    log.register_options(conf)
    if cli:
        cli(conf)
    register(conf, with_neighbours)
    files = None if default_config_files is None else list(default_config_files)
    version = metadata.version('nova')
    conf(list(argv), project='nova', prog=prog, version=version, default_config_files=files, **shown_by_help)
    _read_all(conf)
    return conf


def warnings(conf: cfg.ConfigOpts) -> list[str]:
    """A sentence for each option in the files that has no effect here; to be logged once at start."""
    return known.warnings(conf, supported())


def supported() -> set[tuple[str, str]]:
    """The (group, option) pairs that we declare, their old names included."""
    names = set()
    for module in _modules():
        for opt in module.OPTS:
            names.add((module.GROUP, opt.dest))
            names.update((old.group or module.GROUP, old.name or opt.dest) for old in opt.deprecated_opts)
    return {(group, name.replace('-', '_')) for group, name in names}


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """For oslo.config's generator: every group with its options."""
    listed = []
    for module in _modules():
        service_type = getattr(module, 'SERVICE_TYPE', None)
        extra = [] if service_type is None else neighbours.options(service_type)
        listed.append((module.GROUP, [*module.OPTS, *extra]))
    return listed


def _read_all(conf: cfg.ConfigOpts) -> None:
    """Look at every value once: oslo.config refuses what does not fit only when it is read."""
    for module in _modules():
        for opt in module.OPTS:
            getattr(conf if module.GROUP == 'DEFAULT' else conf[module.GROUP], opt.dest)


def _modules() -> list:
    return [importlib.import_module(f'nova.conf.{name}') for name in GROUPS]
