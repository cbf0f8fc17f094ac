"""The page about the states of a server says what the table says."""

import pytest

from nova.domain.lifecycle import TRANSITIONS, State
from tools import lifecycle_diagram


def test_the_page_is_up_to_date():
    written = lifecycle_diagram.PLACE.read_text()
    assert written == lifecycle_diagram.page(), 'Run tools/lifecycle_diagram.py: the table has changed since.'


@pytest.mark.parametrize('rule', TRANSITIONS.values(), ids=TRANSITIONS)
def test_every_verb_has_a_row_and_a_drawing(rule):
    lines = lifecycle_diagram.page().splitlines()
    rows = [line for line in lines if line.startswith(f'{rule.verb} ') and f' {rule.action} ' in line]
    assert len(rows) == 1
    assert (rule.success.value if rule.success else 'the state before') in rows[0]
    assert all(f'or {state.value}' in rows[0] for state in rule.or_else)
    assert f'    {rule.verb}' in lines


@pytest.mark.parametrize('state', State)
def test_every_state_is_listed(state):
    assert any(line.split()[:1] == [state.value] for line in lifecycle_diagram.page().splitlines())
