from nova.db.stores import cells, deletions, mappings, operations, past_journals, servers
from nova.domain.lifecycle import State
from nova.domain.operation import DONE
from tests.unit.db.builders import a_server, an_id, an_operation, later

DAY = 86400
BEFORE = later(-30 * DAY)


def ended(number, days_ago, **fields):
    return an_operation(number, status=DONE, finished_at=later(-days_ago * DAY), **fields)


def record(tx, number, deleted_days_ago=None):
    servers.create(tx, a_server(number, state=State.ACTIVE if deleted_days_ago is None else State.DELETED))
    if deleted_days_ago is not None:
        deletions.note(tx, an_id(number), later(-deleted_days_ago * DAY))


def test_a_cell_gives_up_the_journals_of_servers_that_were_deleted_before_or_are_not_on_record(cell):
    long_gone, just_gone, lives, unfinished, unknown = 1, 2, 3, 4, 5
    with cell.writing() as tx:
        for number, days_ago in ((long_gone, 40), (just_gone, 10), (lives, None), (unfinished, 40)):
            record(tx, number, days_ago)
        rows = [ended(number, 50) for number in (long_gone, just_gone, lives, unknown)]
        operations.start_many(tx, [*rows, an_operation(unfinished)])
    with cell.reading() as tx:
        found = past_journals.in_cell(tx, BEFORE, 10)
        assert len(past_journals.in_cell(tx, BEFORE, 1)) == 1
    assert sorted(found) == [an_operation(long_gone).id, an_operation(unknown).id]


def test_the_api_database_names_the_cells_to_ask_page_by_page(api):
    lives, gone, unmapped, too_new = 1, 2, 3, 4
    with api.writing() as tx:
        cell_id = cells.create(tx, 'one', 'rabbit://a', 'mysql://a').id
        mappings.create_many(tx, [(an_id(number), 'p', 'u') for number in (lives, gone, too_new)], cell_id)
        for number in (gone, too_new):
            mappings.queue_for_delete(tx, an_id(number))
        operations.start_many(tx, [ended(lives, 60), ended(gone, 50), ended(unmapped, 50), ended(too_new, 10)])
    with api.reading() as tx:
        first = past_journals.in_api(tx, BEFORE, 1)
        second = past_journals.in_api(tx, BEFORE, 1, first[-1])
        assert past_journals.in_api(tx, BEFORE, 1, second[-1]) == []
    assert [(past.server_id, past.cell_id) for past in first + second] == [
        (an_id(gone), cell_id),
        (an_id(unmapped), None),
    ]


def test_a_cell_tells_which_servers_it_keeps(cell):
    with cell.writing() as tx:
        for number, days_ago in ((1, 40), (2, 10), (3, None)):
            record(tx, number, days_ago)
    with cell.reading() as tx:
        assert past_journals.kept_in_cell(tx, [an_id(number) for number in (1, 2, 3, 9)], BEFORE) == {
            an_id(2),
            an_id(3),
        }


def test_only_what_has_ended_is_forgotten(cell):
    with cell.writing() as tx:
        operations.start_many(tx, [ended(1, 40), an_operation(2)])
        assert past_journals.forget(tx, [an_operation(1).id, an_operation(2).id]) == 1
        assert [row.id for row in operations.of_server(tx, an_id(2))] == [an_operation(2).id]
