"""nova-policy: say what a role may do by the policy files, without a running cloud."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from nova import errors
from nova.cmd import threads
from nova.cmd.manage.arguments import split_common

TARGETS = ('project_id', 'user_id', 'quota_class', 'availability_zone', 'instance_id')
UNEXPECTED = 255


def main() -> None:
    threads.native()
    sys.exit(run(sys.argv[1:], os.environ))


def run(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command; the exit code."""
    common, rest = split_common(list(argv))
    if common.version:
        from importlib import metadata

        print(metadata.version('nova'))
        return 0
    parser, commands = _parsers(environment)
    chosen = parser.parse_args(rest)
    if chosen.category is None:
        parser.print_help()
        return 0
    if chosen.command is None:
        commands.print_help()
        return 0
    try:
        return check(common.given, chosen)
    except errors.NovaError as failure:
        print(failure, file=sys.stderr)
        return 1
    except Exception as failure:
        if any(option in ('--debug', '-d') for option in common.given):
            raise
        print(f'An error has occurred: {type(failure).__name__}: {failure}', file=sys.stderr)
        return UNEXPECTED


def check(common: Sequence[str], chosen: argparse.Namespace) -> int:
    """Print the rules that the user passes, one in a line."""
    from nova.api import policy, routes
    from nova.cmd import configuration
    from nova.context import Context

    conf = configuration.load('nova-policy', common, with_neighbours=False)
    rules = routes.rules(routes.collect())
    policies = policy.Policies(conf, rules)
    context = Context(
        user_id=chosen.os_user_id,
        project_id=chosen.os_tenant_id,
        roles=tuple(sorted(role.strip() for role in (chosen.os_roles or '').split(',') if role.strip())),
    )
    if policies.is_admin(context):
        context = context.elevated()
    target = _target(conf, chosen.target)
    for name in sorted(rule.name for rule in (*rules, *policy.PERSONAS)):
        if (chosen.api_name or '') in name and policies.allows(name, context, **target):
            print(name)
    return 0


def _target(conf: Any, given: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Whose thing it is that the user would act on; a server's owners if it is named."""
    target = dict(given)
    server_id = target.pop('instance_id', None)
    if server_id is None:
        return target
    from nova.db.engine import Databases
    from nova.db.stores import mappings

    with Databases.from_conf(conf).api.reading() as tx:
        found = mappings.find(tx, server_id)
    if found is None:
        raise errors.NotFound(f'Instance {server_id} could not be found.')
    return {'project_id': found.project_id, 'user_id': found.user_id}


def _pair(text: str) -> tuple[str, str]:
    name, given, value = text.partition('=')
    if not given or name not in TARGETS:
        raise argparse.ArgumentTypeError(
            f'{text} is not a target. Write NAME=VALUE, with one of: {", ".join(TARGETS)}.'
        )
    return name, value


def _parsers(environment: Mapping[str, str]) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    parser = argparse.ArgumentParser(
        prog='nova-policy',
        description='Inspect the policy files. Common options, before or after the command: --config-file PATH, '
        '--config-dir DIR, --version, --debug, and those of logging.',
        epilog='Example: nova-policy --os-roles reader policy check --api-name servers:show',
    )
    for name, variable, text in (
        ('--os-roles', 'OS_ROLES', 'the roles of the user, joined by commas'),
        ('--os-tenant-id', 'OS_TENANT_ID', 'the project that the user acts in'),
        ('--os-user-id', 'OS_USER_ID', 'the user'),
    ):
        parser.add_argument(name, default=environment.get(variable), help=f'{text}; ${variable} if it is not given')
    categories = parser.add_subparsers(title='categories', metavar='CATEGORY', dest='category')
    text = 'The rules of the policy files.'
    commands = categories.add_parser('policy', help=text, description=text)
    words = commands.add_subparsers(title='commands', metavar='COMMAND', dest='command')
    text = 'Print the rules that the user passes.'
    checked = words.add_parser('check', help=text, description=text)
    checked.add_argument('--api-name', metavar='NAME', help='only rules whose name has this in it')
    checked.add_argument(
        '--target',
        metavar='NAME=VALUE',
        type=_pair,
        nargs='+',
        default=[],
        help=f'what would be acted on: {", ".join(TARGETS)}; the user themselves if it is not given',
    )
    return parser, commands


if __name__ == '__main__':
    main()
