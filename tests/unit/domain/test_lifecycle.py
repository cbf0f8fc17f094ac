"""The table of transitions is complete and consistent."""

import pytest

from nova.domain import lifecycle
from nova.domain.lifecycle import TRANSITIONS, Power, State


@pytest.mark.parametrize('state', State)
def test_every_state_has_a_status(state):
    assert state in lifecycle.states_of(lifecycle.status(state, None))


@pytest.mark.parametrize('rule', TRANSITIONS.values(), ids=TRANSITIONS)
def test_no_verb_begins_in_a_deleted_server(rule):
    assert State.DELETED not in rule.allowed


def test_delete_may_take_over_from_any_state():
    assert TRANSITIONS['delete'].takes_over
    assert TRANSITIONS['delete'].allowed == set(State) - {State.DELETED}


@pytest.mark.parametrize(
    ('power', 'state'),
    [(Power.RUNNING, State.ACTIVE), (Power.SHUTDOWN, State.STOPPED), (Power.NOSTATE, None)],
)
def test_power_implies_a_state(power, state):
    assert lifecycle.power_to_state(power) is state
