"""Guests that wait for their ports."""

import dataclasses
import threading

import pytest

from nova import errors
from nova.clients.image import ImageClient
from nova.compute import external_events
from nova.compute.guests import Guests
from nova.compute.images import ImageCache
from nova.compute.plugging import Plugging
from nova.domain.external_event import PORT_PLUGGED, ExternalEvent
from nova.domain.lifecycle import Power, State
from nova.domain.network import Network, Port
from nova.virt.fake.driver import FakeDriver
from tests.fakes.guests import a_guest
from tests.fakes.image import FakeGlance

LONG = 60.0


def port(name='p', **fields):
    return Port(name, 'fa:16:3e:00:00:01', Network('n', 'private'), **{'vif_type': 'ovs'} | fields)


def waiting_guest(*ports, **fields):
    return dataclasses.replace(a_guest(**fields), ports=ports or (port(),))


@pytest.mark.parametrize(
    ('fields', 'tells'),
    [
        ({'vif_type': 'ovs'}, True),
        ({'vif_type': 'bridge'}, True),
        ({'vif_type': 'tap'}, True),
        ({'vif_type': 'ovs', 'active': True}, False),
        ({'vif_type': 'bridge', 'active': True}, False),
        ({'vif_type': 'ovs', 'admin_up': False}, False),
        ({'vif_type': 'hw_veb'}, False),
        ({'vif_type': 'unbound'}, False),
        ({'vif_type': 'binding_failed'}, False),
    ],
)
def test_whether_anybody_will_tell_that_a_port_is_wired(fields, tells):
    assert port(**fields).tells_when_wired == tells


class Host:
    """Its driver notes when guests began to run."""

    def __init__(self, tmp_path, *plugging):
        self.driver = FakeDriver('host')
        self.plugging = Plugging(*plugging)
        images = ImageCache(str(tmp_path), ImageClient(FakeGlance()))
        self.guests = Guests(self.driver, images, None, 'host', plugging=self.plugging)
        self.failure, self.power = None, None

    def start(self, guest):
        self.thread = threading.Thread(target=self._ensure, args=(guest,))
        self.thread.start()
        pause = threading.Event()
        while not self.is_held(guest):
            assert self.thread.is_alive(), self.failure
            pause.wait(0.005)

    def _ensure(self, guest):
        try:
            self.power = self.guests.ensure(guest)
        except errors.NovaError as failure:
            self.failure = failure

    def is_held(self, guest):
        seen = self.driver.observe(guest.id)
        return seen is not None and seen.power is Power.PAUSED

    def tell(self, port_id, status='completed'):
        event = ExternalEvent(PORT_PLUGGED, 'server', status, port_id)
        external_events.arrive([event], self.driver, self.guests, None)

    def end(self):
        self.thread.join(LONG)
        assert not self.thread.is_alive()


def test_a_guest_runs_when_all_its_ports_are_wired(tmp_path):
    host, guest = Host(tmp_path, LONG), waiting_guest(port('a'), port('b'), port('works', active=True))
    host.start(guest)
    for said in ('a', 'unknown', None):
        host.tell(said)
        assert host.is_held(guest)
    host.tell('b')
    host.end()
    assert host.power is Power.RUNNING
    assert host.driver.observe('server').power is Power.RUNNING


@pytest.mark.parametrize('ports', [(port(active=True),), (port(vif_type='hw_veb'),)])
def test_nobody_waits_where_nobody_would_tell(tmp_path, ports):
    host = Host(tmp_path, LONG)
    assert host.guests.ensure(waiting_guest(*ports)) is Power.RUNNING


def test_nobody_waits_for_no_time(tmp_path):
    assert Host(tmp_path, 0).guests.ensure(waiting_guest()) is Power.RUNNING


def test_a_guest_that_runs_waits_for_nothing(tmp_path):
    host, guest = Host(tmp_path, LONG), waiting_guest()
    host.driver.ensure(guest, lambda _image: '', None)
    assert host.guests.ensure(guest) is Power.RUNNING


def test_a_port_that_is_not_wired_in_time_fails_its_guest_which_is_off_again(tmp_path):
    host = Host(tmp_path, 0.05)
    with pytest.raises(errors.HostFailed, match='Virtual Interface creation failed: .* port p within 0.05 seconds'):
        host.guests.ensure(waiting_guest())
    assert host.driver.observe('server').power is Power.SHUTDOWN


def test_a_port_that_cannot_be_wired_fails_its_guest_at_once(tmp_path):
    host = Host(tmp_path, LONG)
    host.start(waiting_guest())
    host.tell('p', 'failed')
    host.end()
    assert 'could not wire port p' in str(host.failure)
    assert host.driver.observe('server').power is Power.SHUTDOWN


@pytest.mark.parametrize('status', ['failed', None])
def test_where_it_is_not_fatal_the_guest_runs_without(tmp_path, status):
    host = Host(tmp_path, LONG if status else 0.05, False)
    guest = waiting_guest()
    if status is None:
        assert host.guests.ensure(guest) is Power.RUNNING
        return
    host.start(guest)
    host.tell('p', status)
    host.end()
    assert host.power is Power.RUNNING


def test_a_suspended_guest_whose_port_is_not_wired_stays_suspended(tmp_path):
    host, guest = Host(tmp_path, 0.05), waiting_guest(state=State.SUSPENDED)
    asked = []
    host.driver.suspend = asked.append
    with pytest.raises(errors.HostFailed):
        host.guests.ensure(guest)
    assert asked == ['server']


def test_nobody_waits_for_a_server_that_is_to_be_deleted(tmp_path):
    host = Host(tmp_path, LONG, False)
    host.start(waiting_guest())
    host.plugging.give_up('another')
    host.plugging.give_up('server')
    host.end()
    assert 'is to be deleted' in str(host.failure)


def test_a_daemon_that_stops_leaves_the_guest_for_the_next_one_which_asks_whether_it_may_run(tmp_path):
    host, guest = Host(tmp_path, LONG), waiting_guest()
    host.start(guest)
    host.plugging.close()
    host.end()
    assert isinstance(host.failure, errors.ServiceDown)
    assert host.is_held(guest)
    next_one = Guests(host.driver, host.guests._images, None, 'host', plugging=Plugging(LONG))
    assert next_one.ensure(dataclasses.replace(guest, ports=(port(active=True),))) is Power.RUNNING


def test_a_guest_that_waits_takes_nobodys_turn_to_be_made(tmp_path):
    host = Host(tmp_path, LONG)
    host.guests._builds = threading.BoundedSemaphore(1)
    host.start(waiting_guest())
    assert host.guests.ensure(a_guest('another')) is Power.RUNNING
    host.tell('p')
    host.end()
