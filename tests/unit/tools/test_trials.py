import pytest

from nova.domain.lifecycle import State
from nova.operations.registry import OPERATIONS
from tools.trials.tally import Tallies, Tally, summary, table
from tools.trials.verbs import AT_ONCE, NOT_ASKED, Choices, requests_of

CHOICES = Choices('image', {'small': '1', 'large': '2'})


def server(state=State.ACTIVE, flavor='small', **fields):
    return {'id': 'a' * 36, 'OS-EXT-STS:vm_state': state.value, 'flavor': {'original_name': flavor}, **fields}


def test_every_verb_can_be_tried():
    asked = {verb for state in State for verb in requests_of(server(state, ports=['p']), CHOICES)}
    unknown = OPERATIONS.keys() - asked - NOT_ASKED
    assert not unknown, f'tools/trials/verbs.py must say how these verbs are asked for: {unknown}'


@pytest.mark.parametrize(
    ('state', 'verb', 'allowed'),
    [
        (State.ACTIVE, 'stop', True),
        (State.STOPPED, 'stop', False),
        (State.STOPPED, 'start', True),
        (State.RESIZED, 'confirm_resize', True),
        (State.SHELVED_OFFLOADED, 'unshelve', True),
        (State.SOFT_DELETED, 'restore', True),
        (State.SOFT_DELETED, 'soft_delete', False),
    ],
)
def test_only_what_the_state_allows_is_asked(state, verb, allowed):
    assert (verb in requests_of(server(state), CHOICES)) == allowed


def test_any_state_bears_what_is_no_operation():
    assert all(set(AT_ONCE) <= set(requests_of(server(state), CHOICES)) for state in State)


def test_a_server_changes_to_the_other_flavor():
    for flavor, other in (('small', '2'), ('large', '1')):
        _method, _path, body = requests_of(server(flavor=flavor), CHOICES)['resize']
        assert body == {'resize': {'flavorRef': other}}


def test_a_port_is_detached_only_where_there_is_one():
    assert 'detach_interface' not in requests_of(server(), CHOICES)
    assert requests_of(server(ports=['p']), CHOICES)['detach_interface'][1] == '/os-interface/p'


def test_the_slowest_verb_comes_first_and_one_that_was_always_refused_has_no_time():
    quick, slow, refused = Tally(), Tally(), Tally()
    quick.add('done', 1)
    refused.add('refused', 3)
    for seconds in (2, 4, 9):
        slow.add('undone', seconds)
    _head, first, second, third = table({'stop': quick, 'rescue': refused, 'pause': slow})
    assert first.split() == ['pause', '3', '0', '3', '0', '0', '4.0', '9.0']
    assert second.split() == ['stop', '1', '1', '0', '0', '0', '1.0', '1.0']
    assert third.split() == ['rescue', '1', '0', '0', '1', '0', '-', '-']


def test_the_summary_counts_what_was_refused_and_who_was_killed():
    tallies = Tallies()
    tallies.ended('stop', 'done', 2)
    tallies.ended('start', 'refused', 0)
    for daemon in ('glance', 'nova-api', 'glance'):
        tallies.killed(daemon)
    lines = list(summary(tallies))
    assert '\nTo come to rest: median 2.0 s, slowest 2.0 s' in lines
    assert 'Refused: 1 of 2' in lines
    assert lines[-1] == 'Killed (3): glance 2, nova-api 1'
