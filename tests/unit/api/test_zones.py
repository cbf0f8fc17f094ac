"""Which aggregates hosts may be in together, and when they may change."""

import pytest

from nova.api.zones import refusal
from nova.db.stores.aggregates import Aggregate

IN_ZONE = "One or more hosts already in availability zone(s) ['a']"
OCCUPIED = 'One or more hosts contain instances in this zone'


def some(**zones):
    """Aggregates of the host `h`, named after nothing that matters, each with its zone or None."""
    return [
        Aggregate(number, str(number), name, {'availability_zone': zone} if zone else {}, ('h',))
        for number, (name, zone) in enumerate(zones.items())
    ]


@pytest.mark.parametrize(
    ('before', 'after', 'with_servers', 'without_servers'),
    [
        (some(), some(x='a'), OCCUPIED, None),
        (some(), some(x='default'), None, None),
        (some(), some(x=None), None, None),
        (some(x='a'), some(x='a', y=None), None, None),
        (some(x='a'), some(x='a', y='a'), None, None),
        (some(x='a', y='a'), some(x='a'), None, None),
        (some(x='a'), some(x='a', y='b'), IN_ZONE, IN_ZONE),
        (some(x='a', y='a'), some(x='b', y='a'), IN_ZONE, IN_ZONE),
        (some(x='a'), some(x='b'), OCCUPIED, None),
        (some(x='a'), some(), OCCUPIED, None),
        (some(x='default'), some(), None, None),
        (some(x='a'), some(x=None), OCCUPIED, None),
        # A host that got into two zones somehow can leave one of them, if no server would notice.
        (some(x='a', y='b', z='c'), some(x='a', y='b'), OCCUPIED, None),
    ],
)
def test_zones_of_a_host(before, after, with_servers, without_servers):
    assert refusal(before, after, ['h', 'other'], {'h'}, 'default') == with_servers
    assert refusal(before, after, ['h', 'other'], set(), 'default') == without_servers
