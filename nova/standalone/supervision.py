"""Talk to a cloud's supervisor: start it, hand it daemons, ask how they are."""

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from nova.standalone.daemon import Daemon
from nova.standalone.refusal import Refusal

START_PATIENCE = 60  # it may have to end the daemons of a supervisor that was killed
STOP_PATIENCE = 180


class Supervision:
    def __init__(self, state_dir: Path):
        self.state_dir = state_dir
        self.run_dir = state_dir / 'run'

    def pid(self) -> int | None:
        """The supervisor's process, by the lock that it holds for as long as it lives."""
        try:
            with open(self.run_dir / 'supervisor.pid') as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(file.read() or 0) or None
        except FileNotFoundError:
            pass
        return None

    def start(self) -> None:
        """Have a supervisor; a second call finds the first one's."""
        if not self.pid():
            with open(self.state_dir / 'log' / 'supervisor.log', 'ab') as log:
                subprocess.Popen(
                    [sys.executable, '-m', 'nova.standalone.supervisor', str(self.state_dir)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd='/',
                    start_new_session=True,
                )
        deadline = time.monotonic() + START_PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self.status()
                return
            time.sleep(0.05)
        raise Refusal(f'The supervisor did not start; see {self.state_dir}/log/supervisor.log.')

    def ensure(self, daemons: list[Daemon]) -> list[str]:
        """Run these daemons as described; returns the names of those that were started or restarted."""
        return self._ask('ensure', daemons=[daemon.to_wire() for daemon in daemons])['started']

    def remove(self, names: list[str]) -> None:
        self._ask('remove', names=names)

    def status(self) -> list[dict]:
        return self._ask('status')['daemons']

    def stop(self) -> bool:
        """Stop the daemons and the supervisor; False when none ran."""
        if not self.pid():
            return False
        with contextlib.suppress(OSError):
            self._ask('stop')
        deadline = time.monotonic() + STOP_PATIENCE
        while self.pid():
            if time.monotonic() > deadline:
                raise Refusal(f'The supervisor (process {self.pid()}) still stops daemons; look at them with status.')
            time.sleep(0.05)
        return True

    def _ask(self, verb: str, **arguments) -> dict:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(60)
            connection.connect(self._socket_address())
            with connection.makefile('rwb') as stream:
                stream.write(json.dumps({'verb': verb, **arguments}).encode() + b'\n')
                stream.flush()
                line = stream.readline()
        if not line:
            raise ConnectionError('The supervisor ended while it was asked.')
        answer = json.loads(line)
        if 'error' in answer:
            raise Refusal(answer['error'])
        return answer

    def _socket_address(self) -> str:
        path = str(self.run_dir / 'supervisor.sock')
        if len(os.fsencode(path)) < 100:
            return path
        # A socket's path may have 107 bytes; through an open directory any depth will do.
        if not hasattr(self, '_directory'):
            self._directory = os.open(self.run_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return f'/proc/self/fd/{self._directory}/supervisor.sock'
