import pytest

from nova.domain.lifecycle import State
from nova.operations.registry import OPERATIONS
from tools.trial_verbs import NOT_ASKED, Choices, Tally, requests_of, table

CHOICES = Choices('image', ('small', 'large'))


def server(state=State.ACTIVE, flavor='small', **fields):
    return {'id': 'a' * 36, 'OS-EXT-STS:vm_state': state.value, 'flavor': {'original_name': flavor}, **fields}


def test_every_verb_can_be_tried():
    asked = {verb for state in State for verb in requests_of(server(state, ports=['p']), CHOICES)}
    unknown = OPERATIONS.keys() - asked - NOT_ASKED
    assert not unknown, f'tools/trial_verbs.py must say how these verbs are asked for: {unknown}'


@pytest.mark.parametrize(
    ('state', 'verb', 'allowed'),
    [
        (State.ACTIVE, 'stop', True),
        (State.STOPPED, 'stop', False),
        (State.STOPPED, 'start', True),
        (State.RESIZED, 'confirm_resize', True),
        (State.SHELVED_OFFLOADED, 'unshelve', True),
    ],
)
def test_only_what_the_state_allows_is_asked(state, verb, allowed):
    assert (verb in requests_of(server(state), CHOICES)) == allowed


def test_a_server_changes_to_the_other_flavor():
    for flavor, other in (('small', 'large'), ('large', 'small')):
        _method, _path, body = requests_of(server(flavor=flavor), CHOICES)['resize']
        assert body == {'resize': {'flavorRef': other}}


def test_a_port_is_detached_only_where_there_is_one():
    assert 'detach_interface' not in requests_of(server(), CHOICES)
    assert requests_of(server(ports=['p']), CHOICES)['detach_interface'][1] == '/os-interface/p'


def test_the_slowest_verb_comes_first():
    quick, slow = Tally(), Tally()
    quick.add('done', 1)
    for seconds in (2, 4, 9):
        slow.add('undone', seconds)
    _head, first, second = table({'stop': quick, 'pause': slow})
    assert first.split() == ['pause', '0', '3', '0', '0', '4.0', '9.0']
    assert second.split() == ['stop', '1', '0', '0', '0', '1.0', '1.0']
