"""Run nova-api, which serves the compute API and the metadata service."""

import functools
import os
import sys


def main() -> int:
    from nova.cmd import threads

    threads.native()
    from nova.cmd import wsgi

    return wsgi.run('nova-api', sys.argv[1:], _sites, _workers, about=__doc__)


def _sites(conf):
    from nova.api import app
    from nova.api.metadata import app as metadata
    from nova.cmd.wsgi import Site
    from nova.db.engine import Databases

    databases = Databases.from_conf(conf)
    addresses = {
        'osapi_compute': ('compute', conf.osapi_compute_listen, conf.osapi_compute_listen_port, app.build),
        'metadata': ('metadata', conf.metadata_listen, conf.metadata_listen_port, metadata.build),
    }
    return [
        Site(name, host, port, functools.partial(build, databases=databases))
        for name, host, port, build in (addresses[api] for api in dict.fromkeys(conf.enabled_apis))
    ]


def _workers(conf):
    return conf.osapi_compute_workers or os.cpu_count() or 1


if __name__ == '__main__':
    sys.exit(main())
