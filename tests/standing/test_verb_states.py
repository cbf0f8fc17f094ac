"""Every verb in every state, at every version that changed it: it begins where the table says, and nowhere else."""

import pytest

from nova.api.microversions import Version
from nova.domain.lifecycle import TRANSITIONS, Activity, State
from tests.standing.verb_calls import CALLS, ELSEWHERE, LIVING, versions_of

AT_VERSIONS = [(verb, version) for verb in CALLS for version in versions_of(verb)]
# Shelved servers take volumes since then.
SHELVED_TAKE_VOLUMES = Version.parse('2.20')


def allowed(verb, version):
    states = TRANSITIONS[verb].allowed
    if verb in ('attach_volume', 'detach_volume') and Version.parse(version) < SHELVED_TAKE_VOLUMES:
        states -= {State.SHELVED, State.SHELVED_OFFLOADED}
    return states


def test_every_verb_has_a_call_here():
    assert CALLS.keys() | ELSEWHERE == TRANSITIONS.keys()


@pytest.mark.parametrize(('verb', 'version'), AT_VERSIONS)
def test_a_verb_begins_where_the_table_lets_it(ask, verb, version):
    rule = TRANSITIONS[verb]
    for state in LIVING:
        status, message = ask(verb, version=version, state=state)
        if state in allowed(verb, version):
            assert status != 409, (state, message)
        else:
            why = f"Cannot '{rule.action}' instance X while it is in vm_state {state.value}"
            assert (status, message) == (409, why)


@pytest.mark.parametrize(('verb', 'version'), AT_VERSIONS)
def test_a_locked_server_refuses_all_but_what_leaves_it_as_it_is(ask, verb, version):
    rule = TRANSITIONS[verb]
    for state in LIVING:
        status, message = ask(verb, version=version, state=state, locked=True)
        if CALLS[verb][3] == 'admin' or rule.when_locked:
            assert (status == 409) == (state not in allowed(verb, version)), message
        else:
            assert (status, message) == (409, 'Instance X is locked')
        assert 'locked' not in ask(verb, 'owner', version=version, state=state, locked=True)[1]


@pytest.mark.parametrize(('verb', 'version'), AT_VERSIONS)
def test_a_verb_waits_for_what_is_being_done_unless_it_may_interrupt_that(ask, verb, version):
    rule = TRANSITIONS[verb]
    state = next(state for state in LIVING if state in allowed(verb, version))
    for activity in Activity:
        status, message = ask(verb, version=version, state=state, activity=activity)
        if activity in rule.interrupts:
            assert status != 409, (activity, message)
        else:
            why = f"Cannot '{rule.action}' instance X while it is in task_state {activity.value}"
            assert (status, message) == (409, why)


@pytest.mark.parametrize('verb', [verb for verb, call in CALLS.items() if call[3] == 'member'])
def test_a_strangers_server_is_not_found_whatever_its_state(ask, verb):
    for state in (State.ACTIVE, State.BUILDING):
        assert ask(verb, 'stranger', state=state, locked=True) == (404, 'Instance X could not be found.')


@pytest.mark.parametrize('verb', [verb for verb in CALLS if State.ERROR in TRANSITIONS[verb].allowed])
def test_a_server_that_never_ran_has_nothing_to_act_on(ask, verb):
    why = f"Cannot '{TRANSITIONS[verb].action}' instance X while it has never been active"
    assert ask(verb, state=State.ERROR, launched_at=None) == (409, why)
