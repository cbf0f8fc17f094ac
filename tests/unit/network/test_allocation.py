import random

import pytest

from nova.network import allocation


@pytest.mark.parametrize(
    ('cidr', 'gateway', 'pools'),
    [
        ('10.0.0.0/24', '10.0.0.1', [('10.0.0.2', '10.0.0.254')]),
        ('10.0.0.0/24', '10.0.0.254', [('10.0.0.1', '10.0.0.253')]),
        ('10.0.0.0/24', '10.0.0.9', [('10.0.0.1', '10.0.0.8'), ('10.0.0.10', '10.0.0.254')]),
        ('10.0.0.0/24', None, [('10.0.0.1', '10.0.0.254')]),
        ('10.0.0.0/30', '10.0.0.1', [('10.0.0.2', '10.0.0.2')]),
    ],
)
def test_pools_cover_all_but_the_gateway(cidr, gateway, pools):
    assert [(pool['start'], pool['end']) for pool in allocation.default_pools(cidr, gateway)] == pools


@pytest.mark.parametrize(
    ('pools', 'word'),
    [
        ([('10.0.0.2', '10.0.0.9')], None),
        ([('10.0.0.2', '10.0.0.9'), ('10.0.0.10', '10.0.0.20')], None),
        ([('10.0.0.9', '10.0.0.2')], 'ends before'),
        ([('10.0.0.2', '10.0.1.9')], 'beyond'),
        ([('10.0.0.0', '10.0.0.9')], 'beyond'),
        ([('10.0.0.2', '10.0.0.9'), ('10.0.0.9', '10.0.0.20')], 'overlaps'),
        ([('10.0.0.1', '10.0.0.9')], 'conflicts'),
    ],
)
def test_pools_must_make_sense(pools, word):
    pools = [{'start': start, 'end': end} for start, end in pools]
    problem = allocation.problem_with_pools(pools, '10.0.0.0/24', '10.0.0.1')
    assert problem is None if word is None else word in problem


def test_guesses_are_different_addresses_of_the_pools():
    pools = [{'start': '10.0.0.2', 'end': '10.0.0.4'}, {'start': '10.0.0.9', 'end': '10.0.0.10'}]
    guessed = allocation.guesses(pools, 16, random.Random(1))
    assert sorted(map(allocation.address, guessed)) == ['10.0.0.10', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.9']


def test_free_addresses_come_lowest_first():
    pools = [{'start': '10.0.0.9', 'end': '10.0.0.10'}, {'start': '10.0.0.2', 'end': '10.0.0.4'}]
    taken = {allocation.number('10.0.0.2'), allocation.number('10.0.0.9')}
    assert [allocation.address(value) for value in allocation.free(pools, taken)] == [
        '10.0.0.3',
        '10.0.0.4',
        '10.0.0.10',
    ]
