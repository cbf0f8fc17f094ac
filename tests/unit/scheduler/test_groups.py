"""Choosing hosts for members of server groups: what is recorded counts, and what was chosen a moment ago."""

from nova.domain.request import GroupPlaces
from nova.scheduler import filters
from nova.scheduler.choose import Rules
from nova.scheduler.groups import SETTLED_AFTER, Groups
from nova.scheduler.weighers.ram import RAM
from nova.scheduler.weighers.soft_affinity import SoftAffinity
from nova.scheduler.weighers.soft_anti_affinity import SoftAntiAffinity
from tests.fakes.hosts import NOW, a_host, a_request
from tests.unit.scheduler.test_choose import Cloud as BareCloud

HINT = {'group': 'g'}


class Cloud(BareCloud):
    """With a group of which the databases know the policy, and members in `recorded`."""

    def __init__(self, policy, most_per_host=1, **sizes):
        super().__init__(**sizes)
        self.policy, self.most_per_host, self.recorded = policy, most_per_host, {}
        self.chooser._groups = Groups(self.read, self.clock)
        names = ['ServerGroupAffinityFilter', 'ServerGroupAntiAffinityFilter']
        weighers = (RAM(0.1), SoftAffinity(1.0), SoftAntiAffinity(1.0))
        self.chooser.rules = Rules(filters.build(names, filters.Settings(now=lambda: NOW)), weighers)

    def read(self, group_id, besides):
        if self.policy is None:
            return None
        known = {server_id: hosts for server_id, hosts in self.recorded.items() if server_id != besides}
        return GroupPlaces(self.policy, self.most_per_host, known)

    def member(self, server_id, **fields):
        return self.host_of(small(server_id, **fields))


def small(server_id, **fields):
    return a_request(server_id, resources={'VCPU': 1, 'MEMORY_MB': 1000}, scheduler_hints=HINT, **fields)


def test_members_that_are_not_recorded_yet_count():
    cloud = Cloud('anti-affinity', large=8, small=4)
    assert [cloud.member(name) for name in 'abc'] == ['large', 'small', None]


def test_members_that_are_chosen_together_count():
    cloud = Cloud('anti-affinity', large=8, small=4)
    (choices,) = cloud.choose(tuple(small(name) for name in 'abc'))
    assert [choice.selection and choice.selection.host for choice in choices] == ['large', 'small', None]
    assert choices[2].rejected == dict.fromkeys(
        ('large', 'small'), 'It has 1 members of the server group; 1 are allowed.'
    )


def test_requests_that_are_answered_together_count():
    cloud = Cloud('affinity', large=2, small=1)
    answers = cloud.choose(*((small(name),) for name in 'abc'))
    assert [choice.selection and choice.selection.host for (choice,) in answers] == ['large', 'large', None]


def test_recorded_members_count_wherever_they_are():
    cloud = Cloud('affinity', large=8, small=4)
    cloud.recorded = {'x': ('small',)}
    assert cloud.member('a') == 'small'


def test_a_member_that_moves_has_two_hosts():
    cloud = Cloud('anti-affinity', a=8, b=4, c=2)
    cloud.recorded = {'x': ('a', 'b')}
    assert cloud.member('y') == 'c'


def test_a_choice_that_is_never_recorded_is_forgotten():
    cloud = Cloud('anti-affinity', only=8)
    assert cloud.member('a') == 'only'
    assert cloud.member('b') is None
    cloud.clock.now += SETTLED_AFTER + 1
    assert cloud.member('b') == 'only'


def test_a_server_does_not_stand_in_its_own_way():
    cloud = Cloud('anti-affinity', only=8)
    cloud.recorded = {'a': ('only',)}
    assert cloud.member('a') == 'only'


def test_soft_rules_are_preferences():
    apart = Cloud('soft-anti-affinity', large=8, small=2)
    assert [apart.member(name) for name in 'abc'] == ['large', 'small', 'large']
    together = Cloud('soft-affinity', large=2, small=1)
    assert [together.member(name) for name in 'abc'] == ['large', 'large', 'small']


def test_a_group_that_is_gone_asks_for_nothing():
    cloud = Cloud(None, only=8)
    assert [cloud.member(name) for name in 'ab'] == ['only', 'only']


def test_who_names_a_host_gets_it():
    cloud = Cloud('anti-affinity', only=8)
    assert cloud.member('a') == 'only'
    assert cloud.member('b', host='only', forced=True) == 'only'


def test_weighers_have_no_opinion_on_others():
    request = a_request(group=GroupPlaces('affinity', 1, {'x': ('host',)}))
    for weigher in (SoftAffinity(), SoftAntiAffinity()):
        assert weigher.measure(a_host(), request) == weigher.measure(a_host(), a_request()) == 0
