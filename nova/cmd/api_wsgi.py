"""The compute API for any WSGI server: `nova.cmd.api_wsgi:application`."""

from nova.cmd.embedded import Embedded


def _build(conf):
    from nova.api import app

    return app.build(conf)


application = Embedded('nova-api', _build)
