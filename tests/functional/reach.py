"""What lies between daemons that run in one process: databases, a bus and neighbours, each of which can go away."""

import collections
import contextlib
import threading
import uuid
from typing import Any

import oslo_messaging

import nova.conf
from nova import errors
from nova.db.database import Database
from nova.rpc.bus import Bus
from tests.fakes.image import FakeGlance
from tests.fakes.network import FakeNetwork
from tests.fakes.placement import FakePlacement
from tests.fakes.volume import FakeCinder

URL = 'fake://'
# No test waits longer for an answer over the bus.
LONGEST_CALL = 30


class Killed(SystemExit):
    """Ends a thread of a daemon that is dead; nothing that the daemon does from then on has an effect."""


class Life:
    """Of one daemon, from its start until it is killed."""

    def __init__(self):
        self.over = False

    def check(self):
        if self.over:
            raise Killed


class Outside:
    """All that daemons share. What is named in `away` does not answer: database, bus, scheduler, network."""

    def __init__(self):
        self.away: set[str] = set()
        self.placement, self.glance, self.network = FakePlacement(), FakeGlance(), Network(self)
        self.cinder = FakeCinder()
        # Who is served on the bus, and what was sent over it: (topic, method, 'call' or 'cast').
        self.ending = False
        self.served: collections.Counter[tuple[str, str]] = collections.Counter()
        self.sent: list[tuple[str, str, str]] = []
        self.conf = nova.conf.load([], 'nova-tests', default_config_files=[])
        # The first transport declares oslo.messaging's options. An exchange of its own keeps clouds apart.
        oslo_messaging.get_rpc_transport(self.conf, url=URL)
        self.conf.set_override('control_exchange', str(uuid.uuid4()))

    def messages(self):
        """How many messages have gone over the bus: a call is answered by a second one."""
        return sum(2 if kind == 'call' else 1 for _topic, _method, kind in self.sent)

    def require(self, name, sentence):
        if name in self.away:
            raise errors.ServiceDown(sentence)

    def serves(self, topic, host=None):
        return any(n and topic == known and host in (None, server) for (known, server), n in self.served.items())


class Network(FakeNetwork):
    """The network service, which can be away for as long as a test likes."""

    def __init__(self, outside):
        super().__init__()
        self._outside = outside

    def _calling(self, method):
        self._outside.require('network', 'The network service cannot be reached.')
        return super()._calling(method)


class ReachableDatabase(Database):
    """A database in the hands of one daemon."""

    def __init__(self, url, outside, life, statements):
        super().__init__(url, statements=statements)
        self._outside, self._life = outside, life

    @contextlib.contextmanager
    def reading(self):
        self._check()
        with super().reading() as tx:
            yield tx

    @contextlib.contextmanager
    def writing(self):
        self._check()
        with super().writing() as tx:
            yield tx

    def _check(self):
        self._life.check()
        self._outside.require('database', 'The database does not answer.')


class Through:
    """A neighbour's client in the hands of one daemon."""

    def __init__(self, client: Any, life: Life):
        self._client, self._life = client, life

    def __getattr__(self, name):
        self._life.check()
        return getattr(self._client, name)


class Wire(Bus):
    """The bus as one daemon has it. All wires of a cloud meet in one exchange, which outlives each of them."""

    def __init__(self, outside: Outside, life: Life):
        super().__init__(outside.conf, URL)
        self._outside, self._life = outside, life

    def check(self):
        self._outside.require('bus', 'The message bus does not answer.')

    def close(self):
        # The real one would empty the exchange for everybody.
        with self._lock:
            self._transports.clear()

    def serve(self, kind, endpoint, host):
        return Serving(super().serve(kind, endpoint, host), self._outside, (kind.topic, host))

    def _rpc_client(self, kind, url):
        return Sender(super()._rpc_client(kind, url), self._outside, self._life, kind.topic)


class Serving:
    """A served endpoint. Nobody who asks for it waits once it is gone, as with a broker that finds nobody to deliver to."""

    def __init__(self, server, outside, name):
        self._server, self._outside, self._name = server, outside, name
        self._lock = threading.Lock()
        self._running = False

    def start(self):
        self._server.start()
        self._outside.served[self._name] += 1
        self._running = True

    def stop(self):
        with self._lock:
            if not self._running:
                return
            self._running = False
        self._outside.served[self._name] -= 1
        # At the end of a cloud nobody waits for what oslo.messaging's idle threads take to notice.
        (self._server._server if self._outside.ending else self._server).stop()


class Sender:
    """oslo.messaging's client, unless the bus or the one who is asked is away."""

    def __init__(self, client, outside, life, topic, server=None):
        self._client, self._outside, self._life = client, outside, life
        self._topic, self._server = topic, server

    def prepare(self, **options):
        if 'timeout' in options:
            options['timeout'] = min(options['timeout'], LONGEST_CALL)
        prepared = self._client.prepare(**options)
        return Sender(prepared, self._outside, self._life, self._topic, options.get('server'))

    def cast(self, context, method, **arguments):
        self._check(method, 'cast')
        return self._client.cast(context, method, **arguments)

    def call(self, context, method, **arguments):
        self._check(method, 'call')
        if not self._outside.serves(self._topic, self._server):
            raise oslo_messaging.MessagingTimeout(f'Nobody answers {method}.')
        answer = self._client.call(context, method, **arguments)
        self._life.check()
        return answer

    def _check(self, method, kind):
        self._life.check()
        if 'bus' in self._outside.away:
            raise oslo_messaging.MessageDeliveryFailure('The message bus is away.')
        self._outside.sent.append((self._topic, method, kind))


class Gate:
    """Holds calls of `owner.name` until it is opened. `wait()` until somebody stands before it; `turn_away()` kills those."""

    def __init__(self, owner, name):
        self._owner, self._name = owner, name
        self._reached, self._opened = threading.Event(), threading.Event()
        self._turns_away = False

    def __enter__(self):
        original = getattr(self._owner, self._name)

        def held(*arguments, **options):
            self._reached.set()
            assert self._opened.wait(LONGEST_CALL), f'nobody opened the gate before {self._name}'
            if self._turns_away:
                raise Killed
            return original(*arguments, **options)

        self._own = self._name in vars(self._owner)
        self._original = original
        setattr(self._owner, self._name, held)
        return self

    def __exit__(self, *_failure):
        self.open()

    def wait(self):
        assert self._reached.wait(LONGEST_CALL), f'nobody came to {self._name}'

    def turn_away(self):
        self._turns_away = True
        self.open()

    def open(self):
        if not self._opened.is_set():
            if self._own:
                setattr(self._owner, self._name, self._original)
            else:
                delattr(self._owner, self._name)
            self._opened.set()
