"""A service for trials of the daemon runtime: files in a directory say what it meets and note what it did."""

import pathlib
import sys

from nova import errors
from nova.cmd import daemon


class SmallService:
    def __init__(self, directory):
        self._directory = directory
        self.checks = {'shelf': self._check}

    def start(self):
        if (self._directory / 'away').exists():
            raise errors.ServiceDown('The shelf is away.')
        if (self._directory / 'refused').exists():
            raise errors.Invalid('The shelf has a name that is not known.')
        if (self._directory / 'broken').exists():
            raise ValueError('The shelf is broken.')
        self._note('started')

    def stop(self, deadline_seconds):
        self._note(f'stopped within {deadline_seconds:g}')

    def reload(self):
        self._note('reloaded')

    def metrics(self, registry):
        import prometheus_client

        prometheus_client.Counter('books', 'Books on the shelf.', registry=registry).inc(3)

    def _check(self):
        if (self._directory / 'empty').exists():
            raise errors.ServiceDown('The shelf is empty.')

    def _note(self, what):
        with open(self._directory / 'notes', 'a') as notes:
            notes.write(what + '\n')


def build(conf):
    return SmallService(pathlib.Path(conf.state_path))


if __name__ == '__main__':
    sys.exit(daemon.run('nova-scheduler', sys.argv[1:], build, with_neighbours=False))
