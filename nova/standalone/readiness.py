"""Wait until a daemon answers, and say why when it does not."""

import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

from nova.standalone.commands import last_lines
from nova.standalone.daemon import Daemon
from nova.standalone.refusal import Refusal
from nova.standalone.supervision import Supervision

FAILURES_BORNE = 4
ASK_EVERY = 0.1


def ready(daemon_address: str, ready_url: str) -> bool:
    """Whether it answers now: its URL, or where it has none, its address."""
    if ready_url:
        return _answers(ready_url)
    if daemon_address.startswith('unix:'):
        return _connects(socket.AF_UNIX, daemon_address.removeprefix('unix:'))
    if daemon_address:
        host, _, port = daemon_address.rpartition(':')
        return _connects(socket.AF_INET, (host, int(port)))
    return True


def _answers(url: str) -> bool:
    try:
        with _opener().open(url, timeout=5) as response:
            return response.status < 400
    except urllib.error.HTTPError as answer:
        return answer.code < 400
    except (OSError, http.client.HTTPException):
        return False


def _opener() -> urllib.request.OpenerDirector:
    # Loopback and the machine's own address need no proxy, whatever the environment says.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _connects(family: int, address) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        try:
            connection.connect(address)
        except OSError:
            return False
        return True


def wait_for(daemons: list[Daemon], supervision: Supervision, log_dir: Path) -> None:
    """Return when all are ready; raise with the end of its log when one is not in its time, or keeps dying."""
    begun = time.monotonic()
    waiting = list(daemons)
    while waiting:
        waiting = [daemon for daemon in waiting if not ready(daemon.address, daemon.ready_url)]
        known = {entry['name']: entry for entry in supervision.status()} if waiting else {}
        for daemon in waiting:
            entry = known.get(daemon.name, {})
            if entry.get('failures', 0) >= FAILURES_BORNE:
                raise Refusal(_story(daemon, log_dir, f'ended {entry["failures"]} times (last: {entry["last_exit"]})'))
            if time.monotonic() - begun > daemon.patience:
                raise Refusal(_story(daemon, log_dir, f'was not ready after {daemon.patience:.0f} s'))
        if waiting:
            time.sleep(ASK_EVERY)


def _story(daemon: Daemon, log_dir: Path, what: str) -> str:
    log = log_dir / f'{daemon.name}.log'
    place = daemon.ready_url or daemon.address
    said = ' '.join(_reasons(daemon.ready_url)) if daemon.ready_url else ''
    return f'{daemon.name} ({place}) {what}. {said}\nThe end of {log}:\n{last_lines(log)}'


def _reasons(url: str) -> list[str]:
    """What our daemons say that they lack, in their own words."""
    try:
        with _opener().open(url, timeout=5) as response:
            body = response.read()
    except urllib.error.HTTPError as answer:
        body = answer.read()
    except (OSError, http.client.HTTPException) as failure:
        return [f'It does not answer: {failure}.']
    try:
        checks = json.loads(body)['checks']
        return [f'{name}: {check["reason"]}' for name, check in checks.items() if not check['ok']]
    except (ValueError, KeyError, TypeError):
        return []
