"""Run the one-time commands of the parts, and remember which need no second run."""

import functools
import hashlib
import os
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path

import nova
from nova.standalone.refusal import Refusal

PATIENCE = 300
LINES_SHOWN = 12


def last_lines(path: Path, count: int = LINES_SHOWN) -> str:
    try:
        with open(path, 'rb') as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 200 * count))
            text = file.read().decode(errors='replace')
    except FileNotFoundError:
        return ''
    return '\n'.join(text.splitlines()[-count:])


def run(command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run to the end, with its output in the log; a failure shows the last lines of it."""
    with open(log, 'ab') as written:
        _run(command, log, environment, stdout=written, stderr=subprocess.STDOUT)


def output(command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run to the end, and return what it says; what it complains of is in the log."""
    with open(log, 'ab') as written:
        return _run(command, log, environment, stdout=subprocess.PIPE, stderr=written, text=True).stdout


def _run(
    command: list[str], log: Path, environment: Mapping[str, str] | None, **streams
) -> subprocess.CompletedProcess:
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
            **streams,
        )
    except FileNotFoundError:
        raise Refusal(f'{command[0]} is missing; tools/up installs it.') from None
    except subprocess.TimeoutExpired:
        raise Refusal(f'{" ".join(command[:4])} was not done after {PATIENCE} s; see {log}.') from None
    if done.returncode:
        raise Refusal(f'{_short(command)} failed ({done.returncode}). The end of {log}:\n{last_lines(log)}')
    return done


def _short(command: list[str]) -> str:
    """The command without its folder and its configuration file."""
    words = [Path(command[0]).name, *command[1:]]
    if '--config-file' in words:
        place = words.index('--config-file')
        del words[place : place + 2]
    return ' '.join(words)


class Stamps:
    """`stamps.once('sync', fingerprint, work)` does the work unless it was done for this fingerprint before."""

    def __init__(self, directory: Path):
        self.directory = directory

    def once(self, name: str, fingerprint: str, work) -> None:
        path = self.directory / name
        if path.exists() and path.read_text() == fingerprint:
            return
        work()
        path.write_text(fingerprint)

    def forget(self, name: str) -> None:
        (self.directory / name).unlink(missing_ok=True)


def installed_version(environment: Path, distribution: str) -> str:
    """The version of a package in another virtual environment, read from its folder's name."""
    for site in environment.glob('lib/python3*/site-packages'):
        for found in site.glob('*.dist-info'):
            project, _, version = found.name.removesuffix('.dist-info').rpartition('-')
            if project.lower().replace('_', '-') == distribution:
                return version
    raise Refusal(
        f'{environment} does not hold the Python package {distribution}; run tools/up, which installs it, '
        'or name another environment with --neighbours.'
    )


def fingerprint_of(*paths: Path) -> str:
    """Of the files named, and of those in the folders named."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob('*.py')) if path.is_dir() else [path]:
            digest.update(str(file).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


@functools.cache
def our_version() -> str:
    """Changes whenever a file of ours does, so that `up` after an update restarts our daemons."""
    seen = [(str(file), file.stat().st_mtime_ns) for file in sorted(Path(nova.__file__).parent.rglob('*.py'))]
    return hashlib.sha256(repr(seen).encode()).hexdigest()


def favour_readers(database: Path) -> None:
    """Write-ahead logging is kept in an SQLite file: readers no longer wait for writers, nor writers for readers."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(database, timeout=30) as connection:
        connection.execute('PRAGMA journal_mode=WAL')
    connection.close()
