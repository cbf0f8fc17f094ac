"""A cloud as a whole: bring it up, take it down, ask how it is. The rest of this folder is what this module uses."""

import contextlib
import fcntl
import hashlib
import json
import shutil
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from keystoneauth1 import exceptions as ksa_errors

from nova.standalone import access, parts, preflight, processes, readiness, seed
from nova.standalone.commands import Stamps
from nova.standalone.first_server import FirstServer
from nova.standalone.layout import Layout, layout_of, saved_choices
from nova.standalone.parts.nova import Nova
from nova.standalone.parts.part import Part
from nova.standalone.plan import Task, carry_out
from nova.standalone.progress import Progress
from nova.standalone.refusal import Refusal
from nova.standalone.secrets import Secrets
from nova.standalone.supervision import Supervision

FIXED = ('port_offset', 'driver', 'database')  # what a cloud keeps for life


class Cloud:
    """One cloud in one state directory. Tests and benches give `parts` to have the neighbours alone:

    with Cloud(directory, port_offset=20000, parts={'rabbitmq', 'keystone', 'placement'}) as cloud: ...
    """

    def __init__(self, state_dir: Path | str, *, parts: Collection[str] | None = None, **choices):
        self.layout: Layout = layout_of(Path(state_dir), parts=frozenset(parts) if parts else None, **choices)
        self._refuse_other_choices(choices)
        self.secrets = Secrets(self.layout.secrets)
        self.supervision = Supervision(self.layout.state_dir)

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.down(purge=True)
            raise
        return self

    def __exit__(self, *_):
        self.down(purge=True)

    def _refuse_other_choices(self, choices: dict) -> None:
        saved = saved_choices(self.layout.state_dir)
        for name in FIXED:
            if choices.get(name) is not None and saved.get(name, choices[name]) != choices[name]:
                option = name.replace('_', '-')
                raise Refusal(
                    f'The cloud in {self.layout.state_dir} was made with --{option} {saved[name]}: '
                    'name another --state-dir for another cloud, or remove this one with `down --purge`.'
                )

    # Up

    def up(self, first_server: bool = True, output=sys.stderr) -> None:
        """Bring up what is not up; nothing that runs as it should is touched."""
        chosen = parts.chosen(self.layout)
        with self._alone():
            with self._nothing_left_running_on_failure():
                self._check(chosen)
                self.layout.make_directories()
                self.layout.save()
                for part in chosen:
                    part.configure()
                access.write_clouds_yaml(self.layout, self.secrets)
                self.supervision.start()
            tasks = self._tasks(chosen, first_server and self._complete)
            try:
                with Progress(len(tasks), output) as progress:
                    carry_out(tasks, progress)
            except ksa_errors.ClientException as failure:
                raise seed.explain(failure) from failure

    @property
    def _complete(self) -> bool:
        return all(self.layout.has(part) for part in ('rabbitmq', 'keystone', 'glance', 'placement', 'network', 'nova'))

    def _check(self, chosen: list[Part]) -> None:
        if (self.layout.run / 'children.json').exists() and not self.supervision.pid():
            # What a killed supervisor left holds our ports; a new one ends it.
            self.supervision.start()
        supervisor = self.supervision.pid()
        preflight.check(self.layout, chosen, processes.family(supervisor) if supervisor else set())

    @contextlib.contextmanager
    def _nothing_left_running_on_failure(self) -> Iterator[None]:
        ran_before = self.supervision.pid() is not None
        try:
            yield
        except Refusal:
            if not ran_before:
                self.supervision.stop()
            raise

    def _tasks(self, chosen: list[Part], first_server: bool) -> list[Task]:
        tasks = []
        for part in chosen:
            tasks.append(Task(f'{part.name}:prepare', f'{part.title}: prepare', part.prepare))
            start = self._starter(part)
            tasks.append(
                Task(
                    f'{part.name}:start',
                    f'{part.title}: start',
                    start,
                    (f'{part.name}:prepare', *part.needs_before_start),
                )
            )
        tasks += self._seeds()
        if first_server:
            tasks.append(
                Task('first', 'Server `first`: boot', self._boot_first, ('images', 'flavors', 'networks', 'hosts'))
            )
        return tasks

    def _starter(self, part: Part):
        def start() -> None:
            daemons = part.daemons()
            self.supervision.ensure(daemons)
            readiness.wait_for(daemons, self.supervision, self.layout.log)
            if isinstance(part, Nova):
                wanted = {daemon.name for daemon in daemons}
                running = {entry['name'] for entry in self.supervision.status()}
                self.supervision.remove([name for name in running - wanted if name.startswith('nova-compute')])

        return start

    def _seeds(self) -> list[Task]:
        layout, secrets, tasks = self.layout, self.secrets, []

        def add(part: str, name: str, title: str, work, *needs: str) -> None:
            if layout.has(part) and layout.has('keystone'):
                tasks.append(Task(name, title, lambda: self._seed_once(name, work), needs))

        add('keystone', 'identity', 'Projects, users, endpoints', seed.Identity(layout, secrets).fill, 'keystone:start')
        add('glance', 'images', 'Image', lambda: seed.fill_images(layout, secrets), 'identity', 'glance:start')
        add('network', 'networks', 'Network', lambda: seed.fill_networks(layout, secrets), 'identity', 'network:start')
        add('nova', 'flavors', 'Flavors', lambda: seed.fill_flavors(layout, secrets), 'identity', 'nova:start')
        if layout.has('nova'):
            tasks.append(Task('hosts', 'Hosts: map to the cell', Nova(layout, secrets).discover_hosts, ('nova:start',)))
        return tasks

    def _seed_once(self, name: str, work) -> None:
        kept = {
            'parts': sorted(self.layout.parts),
            'address': self.layout.address,
            'key manager': self.layout.key_manager,
        }
        fingerprint = hashlib.sha256(json.dumps(kept).encode()).hexdigest()
        Stamps(self.layout.stamps).once(f'seed-{name}', fingerprint, work)

    def _boot_first(self) -> None:
        Stamps(self.layout.stamps).once('first-server', 'booted', FirstServer(self.layout, self.secrets).boot)

    # Down

    def down(self, purge: bool = False) -> bool:
        """Stop all daemons and guests, in order; `purge` also removes what they kept. False if nothing ran."""
        if not self.layout.state_dir.exists():
            return False
        with self._alone():
            if (self.layout.run / 'children.json').exists() and not self.supervision.pid():
                self.supervision.start()
            stopped = self.supervision.stop()
            for part in parts.chosen(self.layout):
                part.after_stop()
            if purge:
                self._purge()
        return stopped

    def _purge(self) -> None:
        if not self.layout.settings_file.exists() and any(self.layout.state_dir.iterdir()):
            raise Refusal(f'{self.layout.state_dir} does not hold a cloud; nothing was removed.')
        shutil.rmtree(self.layout.state_dir)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One `up` or `down` at a time."""
        self.layout.state_dir.mkdir(parents=True, exist_ok=True)
        with open(self.layout.state_dir / 'lock', 'w') as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refusal(
                    f'Another nova-standalone is bringing the cloud in {self.layout.state_dir} up or down; wait for it.'
                ) from None
            yield
