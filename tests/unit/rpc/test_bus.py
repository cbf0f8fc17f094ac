"""Calls and casts over an in-memory bus: values arrive as values, errors as errors, mistakes at the caller."""

import queue

import pytest
from oslo_config import cfg

from nova import errors
from nova.context import Context
from nova.domain.lifecycle import Power
from nova.rpc import contract
from nova.rpc.bus import Bus
from nova.rpc.compute import Compute
from nova.rpc.conductor import Conductor
from nova.rpc.scheduler import Scheduler

CONTRACTS = (Compute, Conductor, Scheduler)


class Echo(contract.Contract):
    topic = 'echo'
    version = '1.2'

    @contract.call(since='1.0', timeout=5, louder='1.2')
    def flip(self, context: Context, power: Power, louder: bool = False) -> Power | None: ...

    @contract.cast(since='1.1')
    def tell(self, context: Context, text: str) -> None: ...


class Endpoint:
    def __init__(self):
        self.told = queue.Queue()

    def flip(self, context, power, louder=False):
        if power is Power.CRASHED:
            raise errors.Conflict('It crashed.')
        if power is Power.NOSTATE:
            raise ZeroDivisionError
        return Power.SHUTDOWN if power is Power.RUNNING else None

    def tell(self, context, text):
        self.told.put((context, text))


@pytest.fixture
def served():
    conf = cfg.ConfigOpts()
    conf([])
    bus = Bus(conf, url='fake://')
    endpoint = Endpoint()
    server = bus.serve(Echo, endpoint, 'here')
    server.start()
    yield bus.client(Echo, host='here'), endpoint
    server.stop()
    bus.close()


def test_values_cross_the_bus(served):
    client, _endpoint = served
    assert client.flip(Context(), power=Power.RUNNING) is Power.SHUTDOWN
    assert client.flip(Context(), power=Power.PAUSED, louder=True) is None


def test_refusals_keep_their_class_and_text(served):
    client, _endpoint = served
    with pytest.raises(errors.Conflict, match=r'^It crashed\.$'):
        client.flip(Context(), power=Power.CRASHED)


def test_a_bug_at_the_far_end_is_a_failed_host(served):
    client, _endpoint = served
    with pytest.raises(errors.HostFailed, match='ZeroDivisionError'):
        client.flip(Context(), power=Power.NOSTATE)


def test_a_cast_carries_the_context_but_not_its_token(served):
    client, endpoint = served
    client.tell(Context(user_id='u', project_id='p', token='secret'), text='hé')
    context, text = endpoint.told.get(timeout=5)
    assert (context.user_id, context.project_id, context.token, text) == ('u', 'p', None, 'hé')


@pytest.mark.parametrize('arguments', [{}, {'power': Power.RUNNING, 'loud': True}])
def test_mistakes_fail_at_the_caller(served, arguments):
    client, _endpoint = served
    with pytest.raises(TypeError):
        client.flip(Context(), **arguments)


def test_an_endpoint_that_differs_is_not_served():
    class Wrong(Endpoint):
        def tell(self, context, words): ...

    with pytest.raises(TypeError, match='differs from the contract'):
        contract.refuse_mismatch(Echo, Wrong())


@pytest.mark.parametrize(
    ('method', 'arguments', 'version'),
    [('flip', {'power': 1}, '1.0'), ('flip', {'power': 1, 'louder': True}, '1.2'), ('tell', {'text': ''}, '1.1')],
)
def test_a_message_carries_the_lowest_version_that_covers_it(method, arguments, version):
    assert Echo.methods()[method].version_for(arguments) == version


@pytest.mark.parametrize('kind', CONTRACTS)
def test_no_method_is_newer_than_its_contract(kind):
    newest = tuple(map(int, kind.version.split('.')))
    for method in kind.methods().values():
        for version in (method.since, *method.argument_since.values()):
            assert tuple(map(int, version.split('.'))) <= newest
