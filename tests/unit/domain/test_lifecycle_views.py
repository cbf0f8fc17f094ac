"""What clients are told of a server's state, and of a verb that it refuses."""

import pytest

from nova.domain import lifecycle
from nova.domain.lifecycle import TRANSITIONS, Activity, State


@pytest.mark.parametrize(
    ('state', 'activity', 'status'),
    [
        (State.ACTIVE, Activity.POWERING_OFF, 'ACTIVE'),
        (State.ACTIVE, Activity.REBOOT_STARTED, 'REBOOT'),
        (State.STOPPED, Activity.REBOOTING_HARD, 'HARD_REBOOT'),
        (State.ACTIVE, Activity.UPDATING_PASSWORD, 'PASSWORD'),
        (State.ERROR, Activity.REBUILDING, 'REBUILD'),
        (State.ACTIVE, Activity.REBUILD_SPAWNING, 'REBUILD'),
        (State.STOPPED, Activity.RESIZE_PREP, 'RESIZE'),
        (State.ACTIVE, Activity.RESIZE_FINISH, 'RESIZE'),
        (State.RESIZED, None, 'VERIFY_RESIZE'),
        (State.RESIZED, Activity.RESIZE_CONFIRMING, 'VERIFY_RESIZE'),
        (State.RESIZED, Activity.RESIZE_REVERTING, 'REVERT_RESIZE'),
        (State.PAUSED, Activity.MIGRATING, 'MIGRATING'),
        (State.RESCUED, Activity.UNRESCUING, 'RESCUE'),
        (State.ACTIVE, Activity.IMAGE_UPLOADING, 'ACTIVE'),
        (State.SHELVED_OFFLOADED, Activity.UNSHELVING, 'SHELVED_OFFLOADED'),
        (State.BUILDING, Activity.SPAWNING, 'BUILD'),
        (State.ACTIVE, Activity.DELETING, 'ACTIVE'),
    ],
)
def test_what_is_being_done_may_go_before_the_state(state, activity, status):
    assert lifecycle.status(state, activity) == status
    assert state in lifecycle.states_of(status.lower())


def test_a_status_that_there_is_not_has_no_states():
    assert lifecycle.states_of('nonsense') == frozenset()


@pytest.mark.parametrize(
    ('verb', 'state', 'more', 'why'),
    [
        ('stop', State.ACTIVE, {}, None),
        ('stop', State.PAUSED, {}, "Cannot 'stop' instance X while it is in vm_state paused"),
        ('confirm_resize', State.ACTIVE, {}, "Cannot 'confirmResize' instance X while it is in vm_state active"),
        ('live_migrate', State.STOPPED, {}, "Cannot 'os-migrateLive' instance X while it is in vm_state stopped"),
        ('stop', State.PAUSED, {'locked': True}, 'Instance X is locked'),
        ('create_image', State.ACTIVE, {'locked': True}, None),
        ('stop', State.ERROR, {'launched': False}, "Cannot 'stop' instance X while it has never been active"),
        ('delete', State.ERROR, {'launched': False}, None),
        (
            'pause',
            State.ACTIVE,
            {'busy': True, 'activity': Activity.REBOOTING},
            "Cannot 'pause' instance X while it is in task_state rebooting",
        ),
        ('reboot_hard', State.ACTIVE, {'busy': True, 'activity': Activity.REBOOTING}, None),
        (
            'reboot_hard',
            State.ACTIVE,
            {'busy': True, 'activity': Activity.PAUSING},
            "Cannot 'reboot' instance X while it is in task_state pausing",
        ),
        ('evacuate', State.ACTIVE, {'busy': True, 'activity': Activity.POWERING_OFF}, None),
        ('delete', State.ACTIVE, {'busy': True, 'activity': Activity.POWERING_OFF}, None),
        (
            'stop',
            State.ACTIVE,
            {'busy': True},
            "Cannot 'stop' instance X while it is held by another operation; try again in a moment.",
        ),
    ],
)
def test_a_refusal_is_in_words_that_clients_know(verb, state, more, why):
    assert lifecycle.conflict(TRANSITIONS[verb], 'X', state, **more) == why


def test_what_was_done_is_called_as_clients_know_it():
    assert lifecycle.history('live_migrate') == 'live-migration'
    assert lifecycle.history('confirm_resize') == 'confirmResize'
    assert lifecycle.history('lock') == 'lock'


@pytest.mark.parametrize('rule', TRANSITIONS.values(), ids=TRANSITIONS)
def test_a_verb_that_changes_the_state_shows_that_it_runs(rule):
    assert rule.activity is not None or (rule.success, rule.failure) == (None, None)


def test_nothing_but_a_deletion_ends_deleted():
    assert [rule.verb for rule in TRANSITIONS.values() if rule.success is State.DELETED] == ['delete']
