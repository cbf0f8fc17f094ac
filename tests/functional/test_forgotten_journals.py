"""What was done to a server is remembered as long as the server, and for some days more."""

import dataclasses
import datetime

import pytest

from nova.conductor.reconcilers import forgotten_journals
from nova.db.stores import operations

DAYS = 30


@dataclasses.dataclass(frozen=True)
class Later:
    """The conductor's means, so many days from now."""

    databases: object
    days: float
    journal_days: int = DAYS

    def now(self):
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=self.days)


def repair(cloud, days, **fields):
    forgotten_journals.repair(Later(cloud.means.databases, days, **fields))


def journals(cloud, server_id):
    """How many journals of a server are kept in each database."""
    found = []
    for database in cloud.all_databases():
        with database.reading() as tx:
            found.append(len(operations.of_server(tx, server_id)))
    return found


@pytest.fixture
def deleted_and_kept(cloud, monkeypatch):
    monkeypatch.setattr(forgotten_journals, 'BATCH', 1)
    api = cloud.api()
    made = [api.create() for _number in range(2)] + [api.create(flavorRef='huge') for _number in range(2)]
    for server_id in made:
        api.wait(server_id)
    deleted, kept = made[::2], made[1::2]
    for server_id in deleted:
        api.delete(f'/servers/{server_id}')
    cloud.settle()
    return deleted, kept


@pytest.mark.every_database
def test_journals_go_when_their_server_was_deleted_long_ago(cloud, deleted_and_kept):
    deleted, kept = deleted_and_kept
    assert [journals(cloud, server_id) for server_id in deleted] == [[1, 1, 0], [1, 0, 1]]
    repair(cloud, DAYS - 1)
    repair(cloud, 10 * DAYS, journal_days=0)
    assert [journals(cloud, server_id) for server_id in deleted] == [[1, 1, 0], [1, 0, 1]]
    repair(cloud, DAYS + 1)
    assert [journals(cloud, server_id) for server_id in deleted] == [[0, 0, 0], [0, 0, 0]]
    assert [journals(cloud, server_id) for server_id in kept] == [[1, 0, 0], [1, 0, 0]]


def test_a_server_that_lives_has_its_history_however_old(cloud, deleted_and_kept):
    _deleted, kept = deleted_and_kept
    repair(cloud, 1000)
    for server_id in kept:
        (action,) = cloud.api().get(f'/servers/{server_id}/os-instance-actions')['instanceActions']
        assert action['action'] == 'create'


def test_what_a_cell_cannot_tell_is_kept(cloud, deleted_and_kept, monkeypatch):
    deleted, _kept = deleted_and_kept
    cloud.away.add('database')
    with pytest.raises(Exception, match='does not answer'):
        repair(cloud, DAYS + 1)
    cloud.away.clear()
    assert [journals(cloud, server_id) for server_id in deleted] == [[1, 1, 0], [1, 0, 1]]
