"""The cloud's generated passwords, one file each, readable by their owner alone."""

import os
import secrets
from pathlib import Path

LENGTH = 24


class Secrets:
    """`secrets['nova']` is a password; it is made when first asked for, and kept."""

    def __init__(self, directory: Path):
        self.directory = directory

    def __getitem__(self, name: str) -> str:
        path = self.directory / name
        try:
            return path.read_text()
        except FileNotFoundError:
            return self._create(path)

    def _create(self, path: Path) -> str:
        value = secrets.token_urlsafe(LENGTH)
        # Written aside and linked into place, so a reader never meets half a password and two writers agree on one.
        aside = path.with_name(f'.{path.name}.{secrets.token_hex(4)}')
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, 'w') as file:
            file.write(value)
        try:
            os.link(aside, path)
        except FileExistsError:
            return path.read_text()
        finally:
            os.unlink(aside)
        return value
