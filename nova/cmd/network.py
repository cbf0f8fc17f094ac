"""Run nova-network, the network service of clouds that do not run Neutron."""

import sys

from nova.cmd import daemon


def main() -> int:
    return daemon.run('nova-network', sys.argv[1:], _build, with_neighbours=False, about=__doc__)


def _build(conf):
    # Imported late, so that a daemon that is asked for its version or help answers at once.
    from nova.network import service

    return service.build(conf)


if __name__ == '__main__':
    sys.exit(main())
