"""Bring a database's tables to a version: `api` and `cell` each have a tree of their own."""

import pathlib

import alembic.command
import alembic.config
import alembic.runtime.migration
import alembic.script
import sqlalchemy as sa

from nova import errors
from nova.db.database import Database

KINDS = ('api', 'cell')
# Only databases that another one waits for need a moment: two daemons' `sync` at once.
_LOCK_NAME = 'nova-schema'
_LOCK_SECONDS = 50


def upgrade(database: Database, kind: str, revision: str = 'head') -> str:
    """Bring the tables of a kind of database (`api` or `cell`) to a revision; the revision it has then."""
    scripts = _scripts(kind)
    _refuse_unknown(scripts, revision)
    with database.writing() as tx:
        _wait_for_others(tx)
        try:
            _refuse_newer(scripts, database, _current(tx))
            config = _config(kind)
            config.attributes['connection'] = tx
            alembic.command.upgrade(config, revision)
            return _current(tx)
        finally:
            _let_others(tx)


def version(database: Database, kind: str) -> str | None:
    """The revision of the tables; None if there are none."""
    with database.reading() as tx:
        return _current(tx)


def head(kind: str) -> str:
    return _scripts(kind).get_current_head()


def _current(tx: sa.Connection) -> str | None:
    return alembic.runtime.migration.MigrationContext.configure(tx).get_current_revision()


def _config(kind: str) -> alembic.config.Config:
    config = alembic.config.Config()
    config.set_main_option('script_location', str(pathlib.Path(__file__).parent / kind).replace('%', '%%'))
    config.set_main_option('path_separator', 'os')
    return config


def _scripts(kind: str) -> alembic.script.ScriptDirectory:
    if kind not in KINDS:
        raise ValueError(f'There is no kind of database {kind}.')
    return alembic.script.ScriptDirectory.from_config(_config(kind))


def _refuse_unknown(scripts: alembic.script.ScriptDirectory, revision: str) -> None:
    if revision not in ('head', *(script.revision for script in scripts.walk_revisions())):
        raise errors.Invalid(f'There is no revision {revision} of these tables.')


def _refuse_newer(scripts: alembic.script.ScriptDirectory, database: Database, current: str | None) -> None:
    if current is not None and current not in (script.revision for script in scripts.walk_revisions()):
        raise errors.Invalid(
            f'The tables of {database.url.database} have the revision {current}, which this version of nova does not know: '
            'a newer one has made them. Install that one.'
        )


def _wait_for_others(tx: sa.Connection) -> None:
    if tx.dialect.name in ('mysql', 'mariadb'):
        if not tx.execute(sa.select(sa.func.get_lock(_LOCK_NAME, _LOCK_SECONDS))).scalar():
            raise errors.ServiceDown('Somebody else has been changing these tables for a while; try again later.')
    elif tx.dialect.name == 'postgresql':
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(_LOCK_NAME))))


def _let_others(tx: sa.Connection) -> None:
    if tx.dialect.name in ('mysql', 'mariadb'):
        tx.execute(sa.select(sa.func.release_lock(_LOCK_NAME)))
