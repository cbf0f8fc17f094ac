"""The databases and URLs that nova-manage's options name."""

import functools
from typing import Any

from oslo_config import cfg

from nova import errors
from nova.cmd import configuration
from nova.db.database import Database, refuse_bad_url
from nova.db.engine import Databases


class Installation:
    """What the commands work on. Raises Refused, with what to set, when an option is missing that a command needs."""

    def __init__(self, conf: Any):
        self._conf = conf

    @classmethod
    def from_arguments(cls, common: list[str]) -> 'Installation':
        return cls(_load(tuple(common)))

    @functools.cached_property
    def databases(self) -> Databases:
        return Databases.from_conf(self._conf)

    @property
    def api(self) -> Database:
        return self.databases.api

    @property
    def main(self) -> Database:
        """The database of [database] connection."""
        return self.databases.own

    @property
    def database_connection(self) -> str | None:
        return self._conf.database.connection

    def transport_url(self, given: str | None) -> str:
        """The URL of a cell's bus, as given or else configured."""
        url = given or self._conf.transport_url
        if not url:
            raise errors.Invalid(
                'Must specify --transport-url if [DEFAULT]/transport_url is not set in the configuration file.'
            )
        scheme, separator, _rest = url.partition('://')
        if not separator or not scheme:
            raise errors.Invalid('Invalid transport URL: it has to be like rabbit://user:password@host:5672/.')
        return url

    def cell_connection(self, given: str | None) -> str:
        """The URL of a cell's database, as given or else configured."""
        url = given or self.database_connection
        if not url:
            raise errors.Invalid(
                'Must specify --database_connection if [database]/connection is not set in the configuration file.'
            )
        if '{' not in url:
            refuse_bad_url(url)
        return url


@functools.cache
def _load(common: tuple[str, ...]) -> cfg.ConfigOpts:
    return configuration.load('nova-manage', common, cli=_declare, with_neighbours=False)


def _declare(conf: cfg.ConfigOpts) -> None:
    # The bus declares it when it is used; here it is only written down.
    conf.register_opt(cfg.StrOpt('transport_url', secret=True))
