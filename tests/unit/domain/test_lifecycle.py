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
    ('state', 'power', 'after', 'end_guest'),
    [
        (State.ACTIVE, Power.RUNNING, None, False),
        (State.ACTIVE, Power.SHUTDOWN, State.STOPPED, False),
        (State.ACTIVE, Power.CRASHED, State.STOPPED, False),
        (State.ACTIVE, Power.PAUSED, None, False),
        (State.ACTIVE, Power.SUSPENDED, State.STOPPED, True),
        (State.ACTIVE, Power.NOSTATE, None, False),
        (State.PAUSED, Power.SHUTDOWN, State.STOPPED, False),
        (State.PAUSED, Power.RUNNING, None, False),
        (State.STOPPED, Power.RUNNING, None, True),
        (State.STOPPED, Power.PAUSED, None, True),
        (State.STOPPED, Power.CRASHED, None, False),
        (State.SUSPENDED, Power.SHUTDOWN, None, False),
        (State.SUSPENDED, Power.RUNNING, None, False),
        (State.SOFT_DELETED, Power.RUNNING, None, True),
        (State.RESCUED, Power.SHUTDOWN, None, False),
        (State.RESIZED, Power.SHUTDOWN, None, False),
        (State.ERROR, Power.RUNNING, None, False),
    ],
)
def test_what_follows_when_a_guest_changes_by_itself(state, power, after, end_guest):
    assert lifecycle.drift(state, power) == lifecycle.Drift(after, end_guest)


@pytest.mark.parametrize('state', lifecycle.USUAL_POWER)
def test_nothing_follows_from_what_is_usual(state):
    for power in lifecycle.USUAL_POWER[state]:
        assert lifecycle.drift(state, power) == lifecycle.Drift()
