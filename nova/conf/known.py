"""Tell options of a configuration file that have an effect here from those that have none, and from misspelt ones."""

import csv
import difflib
import glob
import os
from importlib import resources

from oslo_config import cfg, iniparser

# Groups whose names the operator chooses, by their beginning.
FREE_GROUPS = ('neutron_physnet_', 'neutron_tunnel', 'mdev_', 'vgpu_', 'privsep', 'nova_sys_admin', 'vif_plug_')


def warnings(conf: cfg.ConfigOpts, supported: set[tuple[str, str]]) -> list[str]:
    """A sentence for each option in the configuration files that is not supported, or not known at all."""
    libraries, ours = table()
    sentences = []
    for group, name in sorted(set(_written(conf))):
        if (group, name) in supported | libraries or group.startswith(FREE_GROUPS) or _registered(conf, group, name):
            continue
        if (group, name) in ours:
            sentences.append(f'Option {name} in group [{group}] is not supported by this version; it has no effect.')
        else:
            sentences.append(_unknown(group, name, supported | libraries | ours))
    return sentences


def table() -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The known (group, option) pairs: those that the libraries declare, and those of OpenStack Compute itself."""
    libraries, ours = set(), set()
    text = resources.files('nova.conf').joinpath('known_options.csv').read_text()
    for row in csv.DictReader(text.splitlines()):
        (libraries if row['of'] == 'library' else ours).add((row['group'], row['option']))
    return libraries, ours


def _unknown(group: str, name: str, names: set[tuple[str, str]]) -> str:
    here = difflib.get_close_matches(name, [known for place, known in names if place == group], n=1)
    if here:
        return f'Option {name} in group [{group}] is unknown; did you mean {here[0]}?'
    places = sorted(place for place, known in names if known == name)
    if places:
        nearest = difflib.get_close_matches(group, places, n=1, cutoff=0.0)[0]
        return f'Option {name} in group [{group}] is unknown; it belongs in group [{nearest}].'
    near = difflib.get_close_matches(f'{group}.{name}', [f'{place}.{known}' for place, known in names], n=1)
    if near:
        place, _, known = near[0].partition('.')
        return f'Option {name} in group [{group}] is unknown; did you mean {known} in group [{place}]?'
    return f'Option {name} in group [{group}] is unknown; it has no effect.'


def _registered(conf: cfg.ConfigOpts, group: str, name: str) -> bool:
    try:
        holder = conf if group == 'DEFAULT' else conf[group]
        return name in holder
    except cfg.NoSuchOptError:
        return False


def _written(conf: cfg.ConfigOpts) -> list[tuple[str, str]]:
    written = []
    for path in _files(conf):
        with open(path) as file:
            reader = _Names(written)
            reader.parse(file)
    return written


def _files(conf: cfg.ConfigOpts) -> list[str]:
    directories = [path for path in conf.config_dirs if os.path.isdir(path)]
    files = [os.path.abspath(path) for path in conf.config_file or []]
    for directory in directories:
        files += sorted(glob.glob(os.path.join(directory, '*.conf')))
    return [path for path in dict.fromkeys(files) if os.path.exists(path)]


class _Names(iniparser.BaseParser):
    def __init__(self, found: list[tuple[str, str]]):
        super().__init__()
        self._found, self._group = found, 'DEFAULT'

    def new_section(self, section: str) -> None:
        self._group = section

    def assignment(self, key: str, value: list[str]) -> None:
        self._found.append((self._group, key))
