import alembic.autogenerate
import alembic.runtime.migration
import pytest
import sqlalchemy as sa

from nova import errors
from nova.network import database, tables


def test_migrations_make_the_tables_that_the_code_declares(cloud):
    with cloud.database.reading() as tx:
        options = {'version_table': database.VERSION_TABLE, 'compare_type': True}
        context = alembic.runtime.migration.MigrationContext.configure(tx, opts=options)
        assert alembic.autogenerate.compare_metadata(context, tables.metadata) == []


def test_a_second_sync_changes_nothing(cloud):
    network, _ = cloud.make_network()
    cloud.database.sync()
    assert cloud.database.is_current()
    assert cloud.get(f'networks/{network["id"]}')['network']['name'] == network['name']


def test_an_empty_database_is_not_current(tmp_path):
    assert not database.Database(f'sqlite:///{tmp_path}/new.sqlite').is_current()


def test_a_database_that_does_not_answer_is_a_service_that_is_down():
    away = database.Database('mysql+pymysql://nobody@127.0.0.1:1/none')
    with pytest.raises(errors.ServiceDown, match='does not answer'), away.reading() as tx:
        tx.execute(sa.select(1))


def test_tables_of_a_newer_version_are_left_alone(cloud):
    with cloud.database.writing() as tx:
        tx.execute(sa.text(f"UPDATE {database.VERSION_TABLE} SET version_num = 'from_the_future'"))
    with pytest.raises(errors.Invalid, match='from_the_future'):
        cloud.database.sync()
