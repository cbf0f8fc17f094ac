"""Count what each verb sends, and compare with the table of what it may. For tools/bench/verbs and its test."""

import contextlib
import dataclasses
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from nova.context import admin_context
from nova.domain.notifications import Notification, Wishes
from nova.operations import result
from nova.operations.registry import OPERATIONS
from nova.rpc.notifier import Notifier
from tests.functional.cloud import NEVER, Cloud, Urls
from tests.functional.verb_scene import CASES, HOST, Scene

TABLE = Path(__file__).parent / 'verbs.txt'
HEAD = """\
# What each verb costs, from the request to its end, where nothing else goes on: tools/bench/verbs counts it.
# statements, commits: of SQL on SQLite, which MariaDB sends a few more of; a look at whether a verb has ended, by who
# waits for that, is counted once. calls, casts: over the bus; a call is two messages. placement, image: HTTP requests;
# network: calls of our client. told: notifications, where somebody listens; + sql: the statements that those cost.
"""


@dataclasses.dataclass(frozen=True)
class Costs:
    """Of one verb, done once."""

    statements: int
    commits: int
    calls: int
    casts: int
    placement: int
    network: int
    image: int
    told: int = 0
    told_sql: int = 0


COLUMNS = ('statements', 'commits', 'calls', 'casts', 'placement', 'network', 'image', 'told', '+ sql')
# What a trial is not told of: the kinds of what is sent, as the columns have them.
_KINDS = COLUMNS[:7]


class Record:
    """All that the daemons of a cloud send while it is open, in order: (kind, what)."""

    def __init__(self, cloud: Cloud):
        outside = cloud.outside
        self._looking, self._lock = threading.local(), threading.Lock()
        # Who looks on has connections of its own.
        self._own_pools = tuple(database.engine.pool for database in cloud.all_databases())
        self._logs = {
            'bus': outside.sent,
            'placement': outside.placement.requests,
            'network': outside.network.calls,
            'image': outside.glance.requests,
        }
        self._read = dict.fromkeys(self._logs, 0)
        self.sent: list[tuple[str, str]] = []

    @contextlib.contextmanager
    def open(self) -> Iterator['Record']:
        self._drain()
        self.sent = []
        hooks = (('before_cursor_execute', self._statement), ('commit', self._commit))
        for event, hook in hooks:
            sa.event.listen(sa.Engine, event, hook)
        wait, result.of = result.of, self._counted_once(result.of)
        try:
            yield self
        finally:
            result.of = wait
            for event, hook in hooks:
                sa.event.remove(sa.Engine, event, hook)
            self._drain()

    def count(self, kind: str) -> int:
        return sum(kind == known for known, _what in self.sent)

    def _statement(self, connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if self._is_theirs(connection):
            self._note('statements', ' '.join(statement.split()))

    def _commit(self, connection: Any) -> None:
        if self._is_theirs(connection) and connection.get_execution_options().get('nova_writes'):
            self._note('commits', f'COMMIT of {_name(connection)}')

    def _note(self, kind: str, what: str) -> None:
        with self._lock:
            self._drain()
            self.sent.append((kind, what))

    def _drain(self) -> None:
        """Take over what the fakes have noted since."""
        for name, log in self._logs.items():
            entries = log[self._read[name] :]
            self._read[name] += len(entries)
            self.sent += [_told(name, entry) for entry in entries]

    def _is_theirs(self, connection: Any) -> bool:
        """Whether a daemon sends this, and not who looks on."""
        return connection.engine.pool not in self._own_pools and not getattr(self._looking, 'again', False)

    def _counted_once(self, wait: Any) -> Any:
        """Who waits for the end of a verb looks for it as often as it takes."""

        def looking(*arguments: Any) -> Any:
            self._note('statements', 'SELECT whether it has ended')
            self._looking.again = True
            try:
                return wait(*arguments)
            finally:
                self._looking.again = False

        return looking


class Trials:
    """One quiet cloud on which verbs are done. `is_heard`: somebody listens to notifications."""

    def __init__(self, urls: Urls, directory: Path, is_heard: bool = False):
        self._heard: list[Notification] = []
        listener = {'notifier': Notifier(self._heard.append, Wishes(), 'controller')} if is_heard else {}
        self._cloud = Cloud(
            urls,
            directory,
            host_names=(HOST,),
            quiet=True,
            flavor_cache_age=NEVER,
            reclaim_interval=NEVER,
            **listener,
        )
        # What is remembered for a while is remembered for as long as this takes.
        self._cloud.clock = lambda: 0.0
        self._scene = Scene(self._cloud)
        # Nothing is put right meanwhile.
        self._scene.conductor._stopping.set()
        self.record = Record(self._cloud)

    def costs(self, verb: str) -> Costs:
        """Of the verb done to a server of its own, once everything is remembered that can be."""
        self._once(verb)
        told = self._once(verb)
        counts = {kind: self.record.count(kind) for kind in _KINDS}
        return Costs(**counts, told=told)

    def stop(self) -> None:
        self._scene.stop()

    def _once(self, verb: str) -> int:
        """Do it, and leave nothing; how many notifications there were of it."""
        scene, case = self._scene, CASES[verb]
        self._keep_alive()
        server_id = scene.prepared(verb)
        self._rest()
        self._heard.clear()
        with self.record.open():
            answer = case.ask(scene, server_id)
            self._rest()
        told, server_id = len(self._heard), server_id or answer
        if not any(what.startswith('INSERT INTO operations') for _kind, what in self.record.sent):
            raise RuntimeError(f'{verb} was answered {answer} and did not begin')
        if scene.status(server_id) != case.ends:
            raise RuntimeError(f'{verb} was answered {answer} and ended {scene.status(server_id)}, not {case.ends}')
        scene.delete(server_id)
        self._rest()
        return told

    def _keep_alive(self) -> None:
        """The host does not report by itself, and would count as down after a while."""
        self._scene.conductor.host_alive(admin_context(), host=HOST, node_id=self._cloud.node_id(HOST))
        self._cloud.discover()

    def _rest(self) -> None:
        """Wait until nothing is under way."""
        self._cloud.settle()
        self._cloud.until(lambda: not any(service._runner.queued for service, _life in self._cloud.conductors))
        if not self._cloud.notifier.flush(60):
            raise RuntimeError('Notifications were not sent within a minute.')


def measure(silent: Trials, heard: Trials, verbs: list[str]) -> dict[str, Costs]:
    """What each of the verbs costs, and what more where somebody listens."""
    found = {}
    for verb in verbs:
        alone, told = silent.costs(verb), heard.costs(verb)
        found[verb] = dataclasses.replace(alone, told=told.told, told_sql=told.statements - alone.statements)
    return found


def known_verbs() -> list[str]:
    """The verbs for which tests/functional/verb_scene.py says how to come to where they begin."""
    return [verb for verb in OPERATIONS if verb in CASES]


def grown(now: Costs, then: Costs) -> dict[str, tuple[int, int]]:
    """By column, what the table allows and what it is now, where that is more."""
    pairs = zip(COLUMNS, dataclasses.astuple(then), dataclasses.astuple(now), strict=True)
    return {column: (before, after) for column, before, after in pairs if after > before}


def rows(table: str) -> dict[str, Costs]:
    lines = [line.split() for line in table.splitlines() if line and not line.startswith('#')]
    return {verb: Costs(*map(int, counts)) for verb, *counts in lines}


def table(costs: dict[str, Costs]) -> str:
    """As it is kept in `TABLE`."""
    heads = [f'# {"":18}' + ''.join(f'{column:>11}' for column in COLUMNS)]
    lines = [
        f'{verb:20}' + ''.join(f'{count:11}' for count in dataclasses.astuple(of_one)) for verb, of_one in costs.items()
    ]
    return '\n'.join(itertools.chain([HEAD.rstrip()], heads, lines)) + '\n'


def _told(name: str, entry: Any) -> tuple[str, str]:
    if name == 'bus':
        topic, method, kind = entry
        return f'{kind}s', f'{topic}.{method}'
    return name, entry if isinstance(entry, str) else ' '.join(entry)


def _name(connection: Any) -> str:
    return Path(connection.engine.url.database or '').stem
