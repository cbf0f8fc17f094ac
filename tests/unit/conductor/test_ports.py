import pytest

from nova.conductor.ports import refreshed, wired
from nova.domain.network import FixedIP, Network, Port

NETWORK = Network('n', 'private')


def port(name, address='10.0.0.1', **fields):
    return Port(name, 'fa:16:3e:00:00:01', NETWORK, (FixedIP(address, 's'),), **fields)


@pytest.mark.parametrize(
    ('now', 'before', 'found', 'gone', 'after'),
    [
        (['a', 'b'], ['a', 'b'], ['b', 'a'], [], ['a', 'b']),
        (['a', 'b'], ['a', 'b'], ['a'], [], ['a']),
        (['a', 'b'], ['a', 'b'], ['a', 'b'], ['b'], ['a']),
        (['a', 'new'], ['a'], ['a'], [], ['a', 'new']),
        (['a'], ['a', 'b'], ['a', 'b'], [], ['a']),
        (['a'], ['a'], ['a', 'foreign'], [], ['a']),
        ([], [], ['a'], [], []),
    ],
)
def test_ports_are_those_that_both_sides_know(now, before, found, gone, after):
    kept = refreshed(
        [port(name) for name in now], [port(name) for name in before], [port(name) for name in found], gone
    )
    assert [item.id for item in kept] == after


def test_what_only_we_know_of_a_port_is_kept():
    known = port('a', tag='nic1', preserve_on_delete=True)
    (fresh,) = refreshed([known], [known], [port('a', '10.0.0.2', active=True)], [])
    assert fresh == port('a', '10.0.0.2', active=True, tag='nic1', preserve_on_delete=True)


@pytest.mark.parametrize(
    ('before', 'works', 'after'),
    [
        ([False, False], {'a': True}, [True, False]),
        ([True, True], {'b': False}, [True, False]),
        ([True, False], {}, [True, False]),
        ([False, False], {'foreign': True}, [False, False]),
    ],
)
def test_a_port_works_as_was_told_of_it(before, works, after):
    known = [port(name, active=active) for name, active in zip('ab', before, strict=True)]
    assert [item.active for item in wired(known, works)] == after
