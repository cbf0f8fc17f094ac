"""Make the driver that the option `compute_driver` names."""

import os
from collections.abc import Callable
from typing import Any

from nova import errors

PREFIX = 'nova.virt.'


def build(conf: Any) -> Any:
    """The driver, not yet connected. HostFailed with a sentence if the option names none that is known."""
    name = (conf.compute_driver or '').removeprefix(PREFIX)
    if name not in DRIVERS:
        given = f'names {conf.compute_driver}' if conf.compute_driver else 'is not set'
        raise errors.HostFailed(f'Option compute_driver {given}; it must be one of {", ".join(sorted(DRIVERS))}.')
    return DRIVERS[name](conf)


def _fake(conf: Any) -> Any:
    from nova.virt.fake.driver import FakeDriver

    # Whoever lets guests have TPMs lets simulated ones, too: their key manager is a real one.
    directory = os.path.join(conf.instances_path, 'simulated')
    return FakeDriver(conf.host, directory=directory, tpms=conf.libvirt.swtpm_enabled)


def _libvirt(conf: Any) -> Any:
    # Imported only where it is used: other hosts need no libvirt.
    from nova.virt.libvirt.driver import build as build_libvirt

    return build_libvirt(conf)


DRIVERS: dict[str, Callable[[Any], Any]] = {
    'fake.FakeDriver': _fake,
    'libvirt.LibvirtDriver': _libvirt,
}
