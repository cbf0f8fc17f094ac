"""The command `nova-standalone`: its subcommands and options."""

import argparse
import os
import sys
import time
from pathlib import Path

from nova.standalone import access, layout, report
from nova.standalone.cloud import Cloud
from nova.standalone.first_server import FirstServer
from nova.standalone.refusal import Refusal


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog='nova-standalone', description='A whole cloud on this machine, made of the real parts.'
    )
    common = argparse.ArgumentParser(add_help=False)
    # SUPPRESS: given before or after the subcommand, neither place overwrites the other with a default.
    for target in (top, common):
        target.add_argument(
            '--state-dir',
            type=Path,
            default=argparse.SUPPRESS,
            help=f'where the cloud keeps everything (default: {layout.default_state_dir()})',
        )
        target.add_argument(
            '--port-offset',
            type=int,
            default=argparse.SUPPRESS,
            metavar='N',
            help='add N to every port, so that several clouds can run side by side (default: 0)',
        )
    commands = top.add_subparsers(dest='command', required=True, metavar='COMMAND')
    _add_up(commands.add_parser('up', parents=[common], help='start what is not running', description=up.__doc__))
    down_parser = commands.add_parser('down', parents=[common], help='stop everything', description=down.__doc__)
    down_parser.add_argument('--purge', action='store_true', help='also remove all data of the cloud')
    commands.add_parser('status', parents=[common], help='a table of the daemons', description=status.__doc__)
    env_parser = commands.add_parser('env', parents=[common], help='variables for eval', description=env.__doc__)
    env_parser.add_argument('--demo', action='store_true', help='of an ordinary user, in the project demo')
    logs_parser = commands.add_parser('logs', parents=[common], help='what daemons wrote', description=logs.__doc__)
    logs_parser.add_argument('daemon', nargs='?', metavar='DAEMON', help='a name that `status` shows (default: all)')
    logs_parser.add_argument('-f', '--follow', action='store_true', help='go on showing what is written')
    logs_parser.add_argument('-n', '--lines', type=int, default=20, metavar='N', help='lines to show (default: 20)')
    return top


def _add_up(up_parser: argparse.ArgumentParser) -> None:
    up_parser.add_argument(
        '--driver',
        choices=layout.DRIVERS,
        help='libvirt: real guests, needs root (default); fake: simulated guests',
    )
    up_parser.add_argument('--computes', type=int, metavar='N', help='number of simulated hosts, with --driver fake')
    up_parser.add_argument('--address', metavar='IP', help='where the services listen (default: 127.0.0.1)')
    up_parser.add_argument(
        '--database',
        metavar='URL',
        help='prefix of database URLs, as mysql+pymysql://user:password@host; default: SQLite',
    )
    up_parser.add_argument(
        '--key-manager',
        action='store_true',
        default=None,
        help='run Barbican, too, so that guests can have TPMs; a cloud keeps it from then on',
    )
    up_parser.add_argument('--neighbours', type=Path, metavar='DIR', help='the virtual environment of the neighbours')
    up_parser.add_argument('--image', type=Path, dest='guest_image', metavar='FILE', help='the guest image `tiny`')
    up_parser.add_argument('--no-first-server', action='store_true', help='do not boot the server `first`')


def _cloud(options: argparse.Namespace, **choices) -> Cloud:
    state_dir = getattr(options, 'state_dir', layout.default_state_dir())
    return Cloud(state_dir, port_offset=getattr(options, 'port_offset', None), **choices)


def _existing(options: argparse.Namespace) -> Cloud:
    cloud = _cloud(options)
    if not cloud.layout.settings_file.exists():
        raise Refusal(f'There is no cloud in {cloud.layout.state_dir}: `nova-standalone up` makes one.')
    return cloud


def up(options: argparse.Namespace) -> None:
    """Start what is not running, boot the server `first`, and say how to use the cloud."""
    begun = time.monotonic()
    names = ('driver', 'computes', 'address', 'database', 'key_manager', 'neighbours', 'guest_image')
    cloud = _cloud(options, **{name: getattr(options, name) for name in names})
    cloud.up(first_server=not options.no_first_server)
    if not options.no_first_server:
        _show_first(cloud)
    print(report.summary(cloud.layout, time.monotonic() - begun))


def _show_first(cloud: Cloud) -> None:
    lines = report.last_words(FirstServer(cloud.layout, cloud.secrets).words())
    if lines:
        print('\nThe server first says:')
        for line in lines:
            print(f'  | {line}')
        print()


def down(options: argparse.Namespace) -> None:
    """Stop the guests and all daemons of the cloud, in order. Its data stay, unless --purge is given."""
    cloud = _existing(options)
    stopped = cloud.down(purge=options.purge)
    print('The cloud is down.' if stopped else 'The cloud was down.', 'Its data are removed.' if options.purge else '')


def status(options: argparse.Namespace) -> None:
    """Show each daemon: state, uptime, memory (proportional set size, workers included), address."""
    cloud = _existing(options)
    if not cloud.supervision.pid():
        raise Refusal(f'The cloud in {cloud.layout.state_dir} is down: `nova-standalone up` starts it.')
    print(report.status(cloud.layout, cloud.supervision.status()))


def env(options: argparse.Namespace) -> None:
    """Print the OS_* variables of the administrator, for eval "$(nova-standalone env)"."""
    cloud = _existing(options)
    name = 'nova-demo' if options.demo else 'nova'
    print('\n'.join(access.shell_lines(cloud.layout, cloud.secrets, name)))


def logs(options: argparse.Namespace) -> None:
    """Show the last lines of one daemon's log, or of all."""
    cloud = _existing(options)
    known = sorted(path.stem for path in cloud.layout.log.glob('*.log'))
    if options.daemon and options.daemon not in known:
        raise Refusal(f'There is no log of {options.daemon}; there are {", ".join(known) or "none yet"}.')
    chosen = [options.daemon] if options.daemon else known
    files = [str(cloud.layout.log / f'{name}.log') for name in chosen]
    if not files:
        raise Refusal('No daemon has written a log yet.')
    follow = ['-F'] if options.follow else []
    sys.stdout.flush()
    os.execvp('tail', ['tail', '-n', str(options.lines), *follow, '--', *files])


COMMANDS = {'up': up, 'down': down, 'status': status, 'env': env, 'logs': logs}


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        COMMANDS[options.command](options)
    except Refusal as refusal:
        print(f'nova-standalone: {refusal}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('\nInterrupted; what runs goes on. `nova-standalone up` continues, `down` stops it.', file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    return 0
