"""The metadata service for any WSGI server: `nova.cmd.metadata_wsgi:application`."""

from nova.cmd.embedded import Embedded


def _build(conf):
    from nova.api.metadata import app

    return app.build(conf)


application = Embedded('nova-api-metadata', _build)
