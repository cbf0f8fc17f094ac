"""Run nova-novncproxy, which shows the screens of guests in the browser."""

import os
import sys
import warnings

# Names are resolved in native threads; eventlet's own resolver would cost 6 MiB.
os.environ.setdefault('EVENTLET_NO_GREENDNS', 'yes')
with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    # Before any other import: what finds eventlet loaded leaves the choice of threads to us.
    import eventlet  # noqa: F401

from nova.cmd import daemon
from nova.conf import default, vnc


def main() -> int:
    return daemon.run('nova-novncproxy', sys.argv[1:], _build, cli=_command_line, with_neighbours=False, about=__doc__)


def _command_line(conf):
    conf.register_cli_opts(default.PROXY)
    conf.register_cli_opts(vnc.PROXY_OPTS, group=vnc.GROUP)


def _build(conf):
    from nova.console import service

    return service.build(conf)


if __name__ == '__main__':
    sys.exit(main())
