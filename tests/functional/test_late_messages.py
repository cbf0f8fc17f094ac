"""What hosts tell of guests may be late: servers follow their guests as they are, not as they were."""

import pytest

from nova.context import admin_context
from nova.db.stores import servers
from nova.domain.lifecycle import Power
from nova.rpc.compute import Compute

CONTEXT = admin_context()


@pytest.fixture
def cloud(make_cloud):
    return make_cloud(host_names=('h1',))


@pytest.fixture
def api(cloud):
    return cloud.api()


@pytest.fixture
def server_id(api):
    made = api.create()
    assert api.wait(made)['status'] == 'ACTIVE'
    return made


def act(api, server_id, name, arguments=None):
    api.post(f'/servers/{server_id}/action', {name: arguments}, '2.93')
    return api.wait(server_id)['status']


def tell(cloud, server_id, power):
    """Have the message of a host arrive now."""
    service, _life = cloud.conductors[0]
    service.guest_changed(CONTEXT, 'h1', server_id, power)
    cloud.settle()


def power_of(cloud, server_id):
    return cloud.hosts['h1'].driver.observe(server_id).power


@pytest.mark.every_database
def test_a_server_that_was_started_since_is_not_taken_for_stopped(cloud, api, server_id):
    assert act(api, server_id, 'os-stop') == 'SHUTOFF'
    assert act(api, server_id, 'os-start') == 'ACTIVE'
    for late in (Power.SHUTDOWN, Power.CRASHED):
        tell(cloud, server_id, late)
        shown = api.wait(server_id)
        assert (shown['status'], shown['OS-EXT-STS:power_state']) == ('ACTIVE', Power.RUNNING.value)
    assert power_of(cloud, server_id) is Power.RUNNING


def test_a_guest_that_was_stopped_since_is_not_ended_again(cloud, api, server_id):
    assert act(api, server_id, 'os-stop') == 'SHUTOFF'
    tell(cloud, server_id, Power.RUNNING)
    assert api.wait(server_id)['OS-EXT-STS:power_state'] == Power.SHUTDOWN.value
    actions = api.get(f'/servers/{server_id}/os-instance-actions', '2.93')['instanceActions']
    assert [one['action'] for one in actions] == ['stop', 'create']


def test_a_server_follows_a_guest_that_is_as_was_told(cloud, api, server_id):
    driver = cloud.hosts['h1'].driver
    driver._listener = None
    driver.change_by_itself(server_id, Power.SHUTDOWN)
    tell(cloud, server_id, Power.SHUTDOWN)
    assert api.wait(server_id)['status'] == 'SHUTOFF'


def test_a_host_that_is_away_is_believed(cloud, api, server_id):
    cloud.stop_host('h1')
    tell(cloud, server_id, Power.SHUTDOWN)
    assert api.wait(server_id)['status'] == 'SHUTOFF'


def test_what_is_done_to_the_server_while_its_host_is_asked_counts(cloud, api, server_id):
    """The guest is off when the host looks; by the time that its answer is there, its user has started it."""
    service, _life = cloud.conductors[0]
    driver, bus = cloud.hosts['h1'].driver, service._cloud.bus
    ask, answers = bus.client, []

    class Slow:
        def __init__(self, client):
            self._client = client

        def observe_guest(self, context, server_id):
            seen = self._client.observe_guest(context, server_id=server_id)
            answers.append(seen)
            if len(answers) == 1:
                act(api, server_id, 'reboot', {'type': 'HARD'})
            return seen

        def __getattr__(self, name):
            return getattr(self._client, name)

    driver._listener = None
    driver.change_by_itself(server_id, Power.SHUTDOWN)
    bus.client = lambda kind, **where: Slow(ask(kind, **where)) if kind is Compute else ask(kind, **where)
    tell(cloud, server_id, Power.SHUTDOWN)
    bus.client = ask
    assert answers == [Power.SHUTDOWN, Power.RUNNING]
    assert api.wait(server_id)['status'] == 'ACTIVE'
    assert power_of(cloud, server_id) is Power.RUNNING


def test_a_server_that_nobody_knows_changes_nothing(cloud):
    tell(cloud, '00000000-0000-4000-8000-000000000000', Power.SHUTDOWN)
    with cloud.databases.own.reading() as tx:
        assert servers.count(tx) == 0


@pytest.mark.parametrize(('hears', 'status'), [(True, 'SHUTOFF'), (False, 'ACTIVE')])
def test_without_events_a_guest_that_stops_is_found_at_the_next_comparison(cloud, api, server_id, hears, status):
    cloud.restart_host('h1', hears_events=hears)
    driver = cloud.hosts['h1'].driver
    driver.change_by_itself(server_id, Power.SHUTDOWN)
    if hears:
        cloud.until(lambda: api.server(server_id)['status'] == 'SHUTOFF')
    assert api.server(server_id)['status'] == status
    cloud.hosts['h1'].service._guests.compare()
    cloud.until(lambda: api.server(server_id)['status'] == 'SHUTOFF')
