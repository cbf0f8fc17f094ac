"""The one background process of a cloud: starts its daemons, restarts those that die, stops them in order."""

import contextlib
import ctypes
import dataclasses
import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from nova.standalone import daemon as daemons
from nova.standalone import processes

PR_SET_CHILD_SUBREAPER = 36
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY = 10.0  # seconds after which the death of a daemon is no part of a crash loop
MESSAGE_LIMIT = 4 * 1024 * 1024


@dataclasses.dataclass
class Child:
    daemon: daemons.Daemon
    fingerprint: str
    process: subprocess.Popen | None = None
    started: float = 0.0
    failures: int = 0
    start_at: float | None = None
    last_exit: int | None = None

    @property
    def running(self) -> bool:
        return self.process is not None


def pause_after(failures: int) -> float:
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1))


def failures_in_a_row(before: int, ran: float) -> int:
    """How many deaths count, with that of a daemon just now that ran for some seconds."""
    return 1 if ran > STEADY else before + 1


class Supervisor:
    def __init__(self, state_dir: Path):
        self.run_dir = state_dir / 'run'
        self.log_dir = state_dir / 'log'
        self.children: dict[str, Child] = {}
        self.stopping = False
        self.asked_to_end: float | None = None

    def serve(self) -> None:
        """Live until asked to stop."""
        self._become_the_only_one()
        # QEMU guests daemonise themselves: as their subreaper we reap them at once, which libvirt waits for.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._end_what_a_dead_supervisor_left()
        wakeup_in, wakeup_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wakeup_out, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._on_term)
        with self._listen() as listener, selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(wakeup_in, selectors.EVENT_READ)
            while not self.stopping:
                for key, _ in selector.select(self._time_to_next_start()):
                    if key.fileobj is listener:
                        self._answer(listener)
                    else:
                        with contextlib.suppress(BlockingIOError):
                            os.read(wakeup_in, 4096)
                self._reap()
                self._start_what_is_due()
            self._stop_all()
        (self.run_dir / 'supervisor.sock').unlink(missing_ok=True)

    def _on_term(self, *_) -> None:
        self.stopping = True

    def _become_the_only_one(self) -> None:
        self.lock = open(self.run_dir / 'supervisor.pid', 'a+')  # noqa: SIM115 - held for as long as we live
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit('Another supervisor runs this cloud.')
        self.lock.seek(0)
        self.lock.truncate()
        self.lock.write(f'{os.getpid()}\n')
        self.lock.flush()

    def _listen(self) -> socket.socket:
        path = self.run_dir / 'supervisor.sock'
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            # By its short name: a socket's path may have 107 bytes only, a state directory's more.
            os.chdir(self.run_dir)
            listener.bind(path.name)
        finally:
            os.umask(before)
        listener.listen(16)
        return listener

    # Requests

    def _answer(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError, ValueError):
            connection.settimeout(5)
            with connection.makefile('rwb') as stream:
                request = json.loads(stream.readline(MESSAGE_LIMIT))
                try:
                    answer = self._handle(request)
                except (KeyError, TypeError) as failure:
                    # Of another version than ours, perhaps; the daemons must not suffer from it.
                    answer = {'error': f'The supervisor did not understand the request ({failure!r}): down, then up.'}
                stream.write(json.dumps(answer).encode() + b'\n')

    def _handle(self, request: dict) -> dict:
        match request['verb']:
            case 'status':
                return {'supervisor': os.getpid(), 'daemons': [self._describe(c) for c in self.children.values()]}
            case 'ensure':
                return {'started': self._ensure([daemons.from_wire(wire) for wire in request['daemons']])}
            case 'remove':
                return {'removed': [name for name in request['names'] if self._remove(name)]}
            case 'stop':
                self.stopping = True
                return {}
            case verb:
                return {'error': f'The supervisor does not know the verb {verb}.'}

    def _describe(self, child: Child) -> dict:
        return {
            'name': child.daemon.name,
            'pid': child.process.pid if child.process else None,
            'state': 'running' if child.running else 'waiting',
            'started': child.started,
            'failures': child.failures,
            'last_exit': child.last_exit,
            'address': child.daemon.address,
            'ready_url': child.daemon.ready_url,
            'stage': child.daemon.stage,
        }

    def _ensure(self, wanted: list[tuple[daemons.Daemon, str]]) -> list[str]:
        """Start what is new, restart what would run differently, leave the rest; the names of what was started."""
        changed, now = [], time.monotonic()
        for daemon, fingerprint in wanted:
            known = self.children.get(daemon.name)
            if known is None or known.fingerprint != fingerprint:
                changed.append((daemon, fingerprint))
            elif not known.running:
                known.start_at = now
        self._stop([self.children[daemon.name] for daemon, _ in changed if daemon.name in self.children])
        for daemon, fingerprint in changed:
            self.children[daemon.name] = Child(daemon, fingerprint, start_at=now)
        self._start_what_is_due()
        return [daemon.name for daemon, _ in changed]

    def _remove(self, name: str) -> bool:
        child = self.children.get(name)
        if child is None:
            return False
        self._stop([child])
        del self.children[name]
        self._note_children()
        return True

    # Starting

    def _time_to_next_start(self) -> float | None:
        due = [child.start_at for child in self.children.values() if child.start_at is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _start_what_is_due(self) -> None:
        if self.stopping:
            return
        now = time.monotonic()
        for child in self.children.values():
            if child.start_at is not None and child.start_at <= now:
                self._start(child)

    def _start(self, child: Child) -> None:
        child.start_at = None
        with open(self.log_dir / f'{child.daemon.name}.log', 'ab') as log:
            try:
                child.process = subprocess.Popen(
                    child.daemon.command,
                    env={**os.environ, **child.daemon.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd='/',
                    start_new_session=True,
                )
            except OSError as failure:
                log.write(f'The supervisor could not start {child.daemon.command[0]}: {failure}\n'.encode())
                self._retry_later(child, ran=0)
                return
        child.started = time.time()
        self._note_children()

    def _retry_later(self, child: Child, ran: float) -> None:
        child.failures = failures_in_a_row(child.failures, ran)
        child.start_at = time.monotonic() + pause_after(child.failures)

    def _reap(self) -> None:
        """Take note of every process that ended, guests and other grandchildren included."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for child in self.children.values():
                if child.process and child.process.pid == pid:
                    self._ended(child, os.waitstatus_to_exitcode(status))

    def _ended(self, child: Child, code: int) -> None:
        child.process.returncode = code  # reaped here, so Popen must not wait for it again
        # Workers that outlive their master would keep its ports. What is meant to go on has left the group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process = None
        child.last_exit = code
        waited = f', {time.monotonic() - self.asked_to_end:.1f} s after it was asked to' if self.asked_to_end else ''
        print(f'{child.daemon.name} ended with {code}{waited}', flush=True)
        if not self.stopping:
            self._retry_later(child, time.time() - child.started)

    # Stopping

    def _stop(self, children: list[Child]) -> None:
        """Ask all of them at once, and wait; then insist."""
        self.asked_to_end = time.monotonic()
        for child in children:
            child.start_at = None
            self._signal(child, signal.SIGTERM)
        self._wait_for(children, max((child.daemon.grace for child in children), default=0))
        for child in children:
            self._signal(child, signal.SIGKILL)
        self._wait_for(children, 5)
        self.asked_to_end = None
        for child in children:
            child.start_at = None

    def _signal(self, child: Child, number: int) -> None:
        if child.process:
            with contextlib.suppress(ProcessLookupError):
                # Only the last word goes to the whole group: a master must be free to end its workers its own way.
                (os.killpg if number == signal.SIGKILL else os.kill)(child.process.pid, number)

    def _wait_for(self, children: list[Child], patience: float) -> None:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and any(child.running for child in children):
            self._reap()
            time.sleep(0.02)

    def _stop_all(self) -> None:
        for stage in sorted({child.daemon.stage for child in self.children.values()}, reverse=True):
            self._stop([child for child in self.children.values() if child.daemon.stage == stage])
        self._end_orphans()
        (self.run_dir / 'children.json').unlink(missing_ok=True)

    def _end_orphans(self) -> None:
        """Guests, DHCP servers: what our daemons left running became ours, since we are the subreaper."""
        for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 2)):
            deadline = time.monotonic() + patience
            while left := processes.family(os.getpid()) - {os.getpid()}:
                for pid in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
                self._reap()
                if time.monotonic() > deadline:
                    break
                time.sleep(0.05)

    # After a crash of ours

    def _note_children(self) -> None:
        noted = [
            {'name': child.daemon.name, 'pid': child.process.pid, 'birth': processes.birth(child.process.pid)}
            for child in self.children.values()
            if child.process
        ]
        aside = self.run_dir / 'children.json.new'
        aside.write_text(json.dumps(noted))
        aside.replace(self.run_dir / 'children.json')

    def _end_what_a_dead_supervisor_left(self) -> None:
        try:
            noted = json.loads((self.run_dir / 'children.json').read_text())
        except (FileNotFoundError, ValueError):
            return
        for child in reversed(noted):
            if child['birth'] and processes.birth(child['pid']) == child['birth']:
                print(f'ending {child["name"]} ({child["pid"]}), whose supervisor is gone', flush=True)
                descendants = [(pid, processes.birth(pid)) for pid in processes.family(child['pid'])]
                processes.end(child['pid'], child['birth'])
                for pid, born in descendants:
                    processes.end(pid, born, grace=2)


if __name__ == '__main__':
    Supervisor(Path(sys.argv[1])).serve()
