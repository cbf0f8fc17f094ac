"""Verbs that are broken off half way: what goes on by itself, what is gone meanwhile, and what a guest is left as."""

import threading

import pytest

from nova import errors
from nova.domain.lifecycle import Power
from tests.fakes.world import failing
from tests.functional.client import act, last_action, running


@pytest.fixture
def cloud(make_cloud):
    made = make_cloud(host_names=('h1',))
    made.network.add_network('demo')
    return made


@pytest.fixture
def api(cloud):
    return cloud.api()


class SlowUploads:
    """Holds the uploads to a Glance, which shows their images as saving and refuses any other meanwhile."""

    def __init__(self, glance):
        self.begun, self._go_on = threading.Event(), threading.Event()
        self._glance, self._change = glance, glance._change
        self.refused = 0
        glance._change = self._slowly

    def _slowly(self, image_id, method, data):
        image = self._glance.images.get(image_id, {})
        if method == 'PUT' and image.get('status') == 'queued':
            image['status'] = 'saving'
            self.begun.set()
            assert self._go_on.wait(30)
            image['status'] = 'queued'
        elif method == 'PUT':
            self.refused += 1
        return self._change(image_id, method, data)

    def go_on(self):
        self._go_on.set()


def test_an_upload_that_outlives_its_conductor_is_waited_for_by_the_next_one(cloud, api):
    server_id = running(api)
    uploads = SlowUploads(cloud.glance)
    image_id = act(api, server_id, 'createImage', {'name': 'mine'})['image_id']
    assert uploads.begun.wait(30)
    cloud.kill_conductor()
    asked = cloud.outside.sent.count(('compute', 'upload_snapshot', 'call'))
    cloud.start_conductor()
    cloud.until(lambda: cloud.outside.sent.count(('compute', 'upload_snapshot', 'call')) > asked)
    uploads.go_on()
    assert api.wait(server_id)['status'] == 'ACTIVE'
    assert last_action(api, server_id) == ('createImage', None)
    assert cloud.glance.images[image_id]['status'] == 'active'
    assert (uploads.refused, cloud.hosts['h1'].driver.snapshots()) == (0, [])


def test_an_image_that_is_whole_stays_though_its_host_cannot_remove_the_copy(cloud, api, driver):
    server_id = running(api)
    with failing(driver, 'discard_snapshot', errors.HostFailed('The disk is read-only.')):
        image_id = act(api, server_id, 'createImage', {'name': 'mine'})['image_id']
        api.wait(server_id)
    assert last_action(api, server_id) == ('createImage', None)
    assert cloud.glance.images[image_id]['status'] == 'active'


@pytest.mark.parametrize('how', ['deleted', 'given away'])
@pytest.mark.parametrize('when', ['before it is shelved', 'before it is unshelved'])
def test_a_shelved_server_goes_on_without_a_port_that_is_not_its_own_any_more(cloud, api, when, how):
    network = next(iter(cloud.network.networks))
    kept, lost = (cloud.network.add_port('demo', network) for _port in range(2))
    server_id = running(api, networks=[{'port': kept}, {'port': lost}])

    def lose():
        if how == 'deleted':
            del cloud.network.ports[lost]
        else:
            cloud.network.ports[lost].server_id = 'another server'

    if when == 'before it is shelved':
        lose()
    act(api, server_id, 'shelve')
    cloud.settle()
    assert api.server(server_id)['status'] == 'SHELVED_OFFLOADED'
    if when == 'before it is unshelved':
        lose()
    act(api, server_id, 'unshelve')
    assert api.wait(server_id)['status'] == 'ACTIVE'
    shown = api.get(f'/servers/{server_id}/os-interface')['interfaceAttachments']
    assert [port['port_id'] for port in shown] == [kept]
    assert list(cloud.hosts['h1'].driver.interfaces_of(server_id)) == [kept]


def test_a_server_shows_that_a_reboot_has_left_it_off(cloud, api, driver):
    server_id = running(api)
    with failing(driver, 'ensure', errors.HostFailed('No memory left.')):
        act(api, server_id, 'reboot', {'type': 'SOFT'})
        cloud.until(lambda: api.server(server_id)['status'] == 'SHUTOFF')
    assert last_action(api, server_id) == ('reboot', 'Error')
    assert Power(api.server(server_id)['OS-EXT-STS:power_state']) is Power.SHUTDOWN
    act(api, server_id, 'os-start')
    assert api.wait(server_id)['status'] == 'ACTIVE'


def test_a_card_that_a_guest_does_not_give_back_keeps_nobody_waiting(cloud, api, driver):
    server_id = running(api)
    with (
        failing(driver, 'describe_network', errors.HostFailed('The domain is locked.')),
        failing(driver, 'detach_interface', errors.HostFailed('The guest has not let go.')),
    ):
        api.fault('POST', f'/servers/{server_id}/os-interface', {'interfaceAttachment': {}}, '2.93')
        cloud.settle()
    assert api.server(server_id)['status'] == 'ACTIVE'
    assert (api.get(f'/servers/{server_id}/os-interface')['interfaceAttachments'], cloud.network.ports) == ([], {})
    act(api, server_id, 'reboot', {'type': 'HARD'})
    assert api.wait(server_id)['status'] == 'ACTIVE'
    assert list(driver.interfaces_of(server_id)) == []


@pytest.mark.parametrize(('verb', 'step'), [('shelve', 'take_snapshot'), ('rescue', 'rescue')])
def test_a_guest_that_is_to_be_deleted_is_not_started_again_before(cloud, api, driver, verb, step):
    server_id = running(api)
    with cloud.paused(driver, step) as gate:
        act(api, server_id, verb, status=200 if verb == 'rescue' else 202)
        gate.wait()
        api.delete(f'/servers/{server_id}')
        ensure, started = driver.ensure, []
        driver.ensure = lambda *arguments, **options: started.append(arguments) or ensure(*arguments, **options)
    assert api.wait(server_id) is None
    cloud.settle()
    assert (started, cloud.left()) == ([], {})
