"""What integration tests share: a whole cloud with simulated guests, and a host with real ones."""

import contextlib
import dataclasses
import queue
import shutil

import pytest

from nova.standalone.cloud import Cloud
from nova.virt.libvirt.driver import LibvirtDriver
from nova.virt.libvirt.settings import Settings
from tests.fakes import databases
from tests.integration import hosts
from tests.integration.neighbours import NEIGHBOURS, OFFSET
from tests.integration.real_guests import TALK, a_guest, drive, goes_on

# The databases of the parts of a cloud.
NAMES = ('keystone', 'glance', 'placement', 'barbican', 'nova_network', 'nova_api', 'nova_cell0', 'nova_cell1')


def pytest_generate_tests(metafunc):
    if 'whole_database' in metafunc.fixturenames:
        metafunc.parametrize('whole_database', databases.chosen(metafunc.config, ('mariadb',)), scope='session')


@pytest.fixture(scope='session')
def whole(whole_database, tmp_path_factory):
    """A running cloud of real parts, with two hosts and the server `first`; leave it as you find it."""
    directory = tmp_path_factory.mktemp('whole') / 'state'
    choices = {'port_offset': OFFSET + 500, 'driver': 'fake', 'computes': 2, 'neighbours': NEIGHBOURS}
    with prefixes(whole_database) as prefix, Cloud(directory, database=prefix, **choices) as cloud:
        yield cloud


@contextlib.contextmanager
def prefixes(kind):
    """The prefix of the URLs of a cloud's databases, which exist; none for files."""
    if kind == 'sqlite':
        yield None
        return
    with databases.server(kind, port=OFFSET) as server:
        server.create_all(*NAMES)
        yield databases.prefix(kind, OFFSET)


@pytest.fixture(scope='session')
def tiny(request):
    """The tiny guest's image: a file."""
    return hosts.guest_image(request.config.cache.mkdir('guest-image'))


@pytest.fixture(scope='session')
def image(tiny):
    """Finds the image of a guest, as drivers want it."""
    return lambda _image: str(tiny)


@pytest.fixture(scope='module')
def host(request, tmp_path_factory):
    """A host of the module's own, with a libvirtd."""
    name = request.module.__name__.rpartition('.test_')[2].replace('_', '-')
    root = tmp_path_factory.mktemp('host')
    with hosts.running(name, root, 1, request.config.cache.mkdir('qemu-capabilities')) as running:
        yield running
    shutil.rmtree(root)


@pytest.fixture(scope='module')
def settings(host):
    return Settings(
        host=host.name,
        node=host.name,
        instances_path=str(host.instances),
        connection_uri=host.uri,
        virt_type='qemu',
        version='1',
    )


@pytest.fixture(scope='module')
def driver(settings):
    made = LibvirtDriver(settings, settle=0.5)
    yield made
    made.close()


@pytest.fixture
def driver_with(settings):
    """Makes drivers with other settings."""
    made = []

    def make(**options):
        made.append(LibvirtDriver(dataclasses.replace(settings, **options), settle=0.5))
        return made[-1]

    yield make
    for driver in made:
        driver.close()


@pytest.fixture(scope='module')
def news(driver):
    heard = queue.Queue()
    driver.listen(lambda *what: heard.put(what))
    return heard


@pytest.fixture
def told(news):
    """What the driver tells of guests from now on, in a queue."""
    with contextlib.suppress(queue.Empty):
        while True:
            news.get_nowait()
    return news


@pytest.fixture(scope='module')
def talker(driver, news):
    made = a_guest(1)
    yield made
    driver.remove(made.id, made.name)


@pytest.fixture
def talking(driver, image, talker):
    """A guest that has booted and talks; a module's tests have it one after the other, in whatever state they leave it."""
    driver.ensure(talker, image, drive(TALK))
    goes_on(driver, talker)
    return talker


@pytest.fixture
def unborn(driver, image, news):
    """A guest whose system does not listen yet."""
    made = a_guest(2)
    driver.ensure(made, image, None)
    yield made
    driver.remove(made.id, made.name)
