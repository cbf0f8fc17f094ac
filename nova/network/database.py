"""Open the network service's database, give transactions, bring its tables up to date."""

import pathlib
from collections.abc import Callable
from typing import TypeVar

import alembic.command
import alembic.config
import alembic.runtime.migration
import alembic.script
import sqlalchemy as sa
import sqlalchemy.exc

from nova import errors
from nova.db import database

MIGRATIONS = pathlib.Path(__file__).parent / 'migrations'
VERSION_TABLE = 'network_schema_version'
ATTEMPTS = 10

T = TypeVar('T')


class Database(database.Database):
    """The one way to the network service's rows; made from an SQLAlchemy URL."""

    def write(self, work: Callable[[sa.Connection], T], attempts: int = ATTEMPTS) -> T:
        """Run `work` in a transaction; again, if another took the same address or the database made us give way."""
        for attempts_left in reversed(range(attempts)):
            try:
                return super().write(work)
            except sqlalchemy.exc.IntegrityError:
                if not attempts_left:
                    raise
        raise AssertionError('unreachable')

    def sync(self) -> None:
        """Bring the tables to the newest version. Raises Invalid if a newer nova-network has made them."""
        with self.writing() as tx:
            config = _alembic_config()
            current = _current(tx)
            if current not in (None, *(script.revision for script in _scripts(config).walk_revisions())):
                raise errors.Invalid(
                    f'The tables of {self.url.database} have the revision {current}, which this version of '
                    'nova-network does not know: a newer one has made them. Install that one.'
                )
            config.attributes['connection'] = tx
            alembic.command.upgrade(config, 'head')

    def is_current(self) -> bool:
        """Whether the database answers and its tables are those that this code expects."""
        with self.reading() as tx:
            return _current(tx) == _scripts(_alembic_config()).get_current_head()


def _current(tx: sa.Connection) -> str | None:
    options = {'version_table': VERSION_TABLE}
    return alembic.runtime.migration.MigrationContext.configure(tx, opts=options).get_current_revision()


def _scripts(config: alembic.config.Config) -> alembic.script.ScriptDirectory:
    return alembic.script.ScriptDirectory.from_config(config)


def _alembic_config() -> alembic.config.Config:
    config = alembic.config.Config()
    config.set_main_option('script_location', str(MIGRATIONS))
    config.set_main_option('path_separator', 'os')
    return config
