"""No verb costs more than tools/bench/verbs.txt allows: in statements, commits, messages, requests and notifications."""

import contextlib
import dataclasses

import pytest

from tools.bench import costs, places

VERBS = costs.known_verbs()
KEPT = costs.rows(costs.TABLE.read_text())
# MariaDB does not return what an UPDATE has changed: whoever claims an operation reads it after that.
MORE_STATEMENTS = {'mariadb': 1}
ACCEPT = 'If that is as it should be, run `tools/bench/verbs --write {verb}` and commit tools/bench/verbs.txt.'


@pytest.fixture(scope='module')
def clouds(database_kind, running_servers, tmp_path_factory):
    """A cloud that nobody listens to, and one that somebody does."""
    with contextlib.ExitStack() as stack:
        made = []
        for is_heard in (False, True):
            urls = places.migrated(running_servers(database_kind))
            made.append(costs.Trials(urls, tmp_path_factory.mktemp('costs'), is_heard))
            stack.callback(made[-1].stop)
        yield made


@pytest.mark.parametrize('verb', VERBS)
def test_a_verb_costs_no_more_than_it_may(clouds, database_kind, verb):
    assert verb in KEPT, f'Nobody has counted what {verb} costs: run `tools/bench/verbs --write {verb}`.'
    found = costs.measure(*clouds, [verb])[verb]
    allowed = dataclasses.replace(KEPT[verb], statements=KEPT[verb].statements + MORE_STATEMENTS.get(database_kind, 0))
    grown = [f'{before} {column} became {after}' for column, (before, after) in costs.grown(found, allowed).items()]
    assert not grown, f'{verb} costs more than it did: {", ".join(grown)}. {ACCEPT.format(verb=verb)}'


def test_the_table_has_no_verbs_that_are_gone():
    assert KEPT.keys() <= set(VERBS)


def test_the_table_is_written_as_the_tool_writes_it():
    assert costs.TABLE.read_text() == costs.table({verb: KEPT[verb] for verb in VERBS if verb in KEPT})
