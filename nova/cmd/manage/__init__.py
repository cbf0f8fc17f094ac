"""nova-manage: set up and look after the databases and the cells."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Any

from nova import errors
from nova.cmd.manage.arguments import Command, split_common

# Loaded only when one is called: each start should be short.
CATEGORIES = {
    'api_db': 'The API database: cells, flavors, key pairs, quotas.',
    'cell_v2': 'Cells, and which of them has a host or a server.',
    'image_property': "What is kept of servers' images.",
    'libvirt': "The machine types of servers' guests.",
    'db': "A cell's database: servers and all that hangs on them.",
}
# Stands between the commands of one run; a run ends with the first that fails.
AND = '+'
UNEXPECTED = 255


def main() -> None:
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Run the command, or the commands that are joined by `+`; the exit code."""
    common, rest = split_common(list(argv))
    if common.version:
        return _show_version()
    code = 0
    for words in _commands(rest):
        code = _run_one(common.given, words)
        if code:
            break
    return code


def _commands(words: list[str]) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for word in words:
        if word == AND:
            found.append([])
        else:
            found[-1].append(word)
    return found


def _run_one(common: list[str], words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog='nova-manage',
        description='Common options, before or after the command: --config-file PATH, --config-dir DIR, --version, '
        f'--debug, and those of logging. Several commands in one run are joined by {AND}.',
        epilog='Example, which makes the tables of a new cloud: nova-manage api_db sync + cell_v2 map_cell0 + db sync',
    )
    categories = parser.add_subparsers(title='categories', metavar='CATEGORY', dest='category')
    wanted = next((word for word in words if word in CATEGORIES), None)
    for name, text in CATEGORIES.items():
        category = categories.add_parser(name, help=text, description=text)
        if name == wanted:
            _add_commands(category, importlib.import_module(f'nova.cmd.manage.{name}').COMMANDS)
    chosen = parser.parse_args(words)
    if chosen.category is None:
        parser.print_help()
        return 0
    if chosen.command is None:
        categories.choices[chosen.category].print_help()
        return 0
    return _call(common, chosen)


def _add_commands(category: argparse.ArgumentParser, commands: tuple[Command, ...]) -> None:
    parsers = category.add_subparsers(title='commands', metavar='COMMAND', dest='command')
    for command in commands:
        epilog = command.example and f'Example: nova-manage {command.example}'
        parser = parsers.add_parser(command.name, help=command.text, description=command.text, epilog=epilog)
        parser.set_defaults(run=command.run)
        for argument in command.arguments:
            parser.add_argument(*argument.names, **argument.options)


def _call(common: list[str], chosen: argparse.Namespace) -> int:
    from nova.cmd.manage.installation import Installation

    try:
        return chosen.run(Installation.from_arguments(common), chosen)
    except errors.NovaError as failure:
        print(failure, file=sys.stderr)
        return 1
    except Exception as failure:
        if any(option in ('--debug', '-d') for option in common):
            raise
        _complain(failure)
        return UNEXPECTED


def _complain(failure: Any) -> None:
    print(f'An error has occurred: {type(failure).__name__}: {failure}', file=sys.stderr)


def _show_version() -> int:
    from importlib import metadata

    print(metadata.version('nova'))
    return 0
