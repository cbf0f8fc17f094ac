"""Every verb on one server by the `openstack` client, with the words that its users type."""

import os

import pytest

from nova.standalone import access, seed
from tests.integration.client_shell import ClientShell
from tests.integration.neighbours import NEIGHBOURS, needs_neighbours
from tools.verb_journey import Choices, Journey

pytestmark = needs_neighbours


@pytest.fixture
def openstack(whole):
    own = {name: value for name, value in os.environ.items() if not name.startswith('OS_')}
    login = access.variables(whole.layout, whole.secrets, 'nova-demo')
    newest = {'OS_COMPUTE_API_VERSION': '2.96', 'LC_ALL': 'C.UTF-8'}
    shell = ClientShell(NEIGHBOURS / 'bin' / 'python', 'openstackclient.shell', own | login | newest)

    def run(words):
        status, printed, complaint = shell.run(*words)
        assert status == 0, f'openstack {" ".join(words)}: {printed}{complaint}'
        return printed

    yield run
    shell.close()


def test_every_verb_leads_where_it_should_and_nothing_is_left(openstack):
    choices = Choices(seed.IMAGE, 'm1.nano', 'm1.micro', seed.NETWORK)
    done = [command for command, _seconds in Journey(openstack, choices).whole()]
    assert done[0] == 'server create --wait'
    assert done[-1] == 'server delete --wait'
