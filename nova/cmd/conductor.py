"""Run nova-conductor, which runs operations and speaks to the cell database for the hosts."""

import sys

from nova.cmd import daemon


def main() -> int:
    return daemon.run('nova-conductor', sys.argv[1:], _build, about=__doc__)


def _build(conf):
    # Imported late, so that a daemon that is asked for its version or help answers at once.
    from nova.conductor import service

    return service.build(conf)


if __name__ == '__main__':
    sys.exit(main())
