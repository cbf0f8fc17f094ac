"""Start a program, wait for what it does, and make sure that it ends."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).parent


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def eventually(question, seconds=60):
    """What the question answers once that is true."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        answer = question()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError('It did not come true in time.')


def get(port, path='/', host='127.0.0.1'):
    """Status and body, or None when nobody answers."""
    try:
        with urllib.request.urlopen(f'http://{host}:{port}{path}', timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()
    except OSError:
        return None


def readiness(port):
    answer = get(port, '/readyz')
    return answer and (answer[0], json.loads(answer[1]))


@contextlib.contextmanager
def running(module, config, environment=None):
    """The program as a process, ended at the end; what it logs is in `config` with .log appended."""
    with open(f'{config}.log', 'ab') as log:
        process = subprocess.Popen(
            [sys.executable, '-m', module, '--config-file', str(config)],
            cwd=HERE.parents[2],
            stdout=log,
            stderr=log,
            env={**os.environ, **(environment or {})},
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def log_of(config):
    return pathlib.Path(f'{config}.log').read_text()
