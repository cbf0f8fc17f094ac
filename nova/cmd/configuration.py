"""Read the options of a daemon or a tool, and say in a sentence what is wrong with them."""

import re
from collections.abc import Callable, Sequence

from oslo_config import cfg

import nova.conf
from nova import errors

# How oslo.config writes the place of a value: only the file's name tells an operator something.
_PLACE = re.compile(r"LocationInfo\(.*?detail='([^']*)'\)")
_FILES = (
    'Without --config-file and --config-dir the files nova.conf and {prog}.conf are looked for in ~/.nova, ~, '
    '/etc/nova and /etc. All options that may stand in them are in etc/nova/nova.conf.sample.'
)


def load(
    prog: str,
    argv: Sequence[str],
    cli: Callable[[cfg.ConfigOpts], None] | None = None,
    with_neighbours: bool = True,
    about: str | None = None,
) -> cfg.ConfigOpts:
    """The options of this process; `about` is what --help begins with. Raises Invalid if the files cannot be used."""
    try:
        return nova.conf.load(
            argv, prog, cli, with_neighbours, description=about, epilog=_FILES.format(prog=prog) if about else None
        )
    except (cfg.Error, ValueError) as failure:
        said = _PLACE.sub(r'\1', str(failure))
        raise errors.Invalid(f'The configuration cannot be used: {said}') from failure
