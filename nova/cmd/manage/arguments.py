"""Declare commands, and tell the options that all of them have from those of one."""

import argparse
import dataclasses
from collections.abc import Callable
from typing import Any

# Names of one option; those that take a value, and those that do not.
WITH_VALUE = (
    ('--config-file',),
    ('--config-dir',),
    ('--log-config-append', '--log-config', '--log_config'),
    ('--log-date-format',),
    ('--log-dir', '--logdir'),
    ('--log-file', '--logfile'),
    ('--syslog-log-facility',),
)
FLAGS = (
    ('--debug', '-d'),
    ('--nodebug',),
    ('--use-journal',),
    ('--nouse-journal',),
    ('--use-json',),
    ('--nouse-json',),
    ('--use-syslog',),
    ('--nouse-syslog',),
    ('--watch-log-file',),
    ('--nowatch-log-file',),
)
# Taken, because scripts give them; a traceback that waits for a debugger is of no use to anybody.
WITHOUT_EFFECT = (('--post-mortem',), ('--nopost-mortem',))


class Argument:
    """What argparse's `add_argument` is given."""

    def __init__(self, *names: str, **options: Any):
        self.names, self.options = names, options


@dataclasses.dataclass(frozen=True)
class Command:
    """`run` gets the installation and the parsed arguments, and returns the exit code."""

    name: str
    text: str
    run: Callable[[Any, argparse.Namespace], int]
    arguments: tuple[Argument, ...] = ()
    # What may be typed after `nova-manage`, shown by --help.
    example: str | None = None


def split_common(words: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The common options, wherever they stand (`given` repeats them in order, `version` is a flag), and the rest."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.set_defaults(given=[])
    for names in WITH_VALUE:
        parser.add_argument(*names, action=_Keep, dest='kept', metavar='VALUE')
    for names in FLAGS:
        parser.add_argument(*names, action=_Keep, nargs=0, dest='kept')
    for names in WITHOUT_EFFECT:
        parser.add_argument(*names, action='store_true', dest='ignored')
    parser.add_argument('--version', action='store_true')
    return parser.parse_known_args(words)


class _Keep(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        # A new list: the default is shared by all parsings.
        namespace.given = [*namespace.given, option_string, *([values] if isinstance(values, str) else [])]
