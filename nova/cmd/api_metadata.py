"""Run nova-api-metadata, which serves the metadata service alone."""

import os
import sys


def main() -> int:
    from nova.cmd import threads

    threads.native()
    from nova.cmd import wsgi

    return wsgi.run('nova-api-metadata', sys.argv[1:], _sites, _workers, about=__doc__)


def _sites(conf):
    from nova.cmd.wsgi import Site

    return [Site('metadata', conf.metadata_listen, conf.metadata_listen_port, _build)]


def _workers(conf):
    return conf.metadata_workers or conf.osapi_compute_workers or os.cpu_count() or 1


def _build(conf):
    from nova.api.metadata import app

    return app.build(conf)


if __name__ == '__main__':
    sys.exit(main())
