"""Two small WSGI applications for trials of the worker processes."""

import os
import pathlib
import sys
import time

from nova import errors


def main():
    from nova.cmd import threads

    threads.native()
    from nova.cmd import wsgi

    def sites(conf):
        return [
            wsgi.Site('compute', '127.0.0.1', conf.osapi_compute_listen_port, lambda conf: Small('compute', conf)),
            wsgi.Site('metadata', '127.0.0.1', conf.metadata_listen_port, lambda conf: Small('metadata', conf)),
        ]

    return wsgi.run('nova-api', sys.argv[1:], sites, lambda conf: conf.osapi_compute_workers)


class Small:
    def __init__(self, name, conf):
        self._name, self._directory = name, pathlib.Path(conf.state_path)
        self._built_with = (self._directory / 'greeting').read_text()
        self.checks = {f'{name} shelf': self._check}

    def __call__(self, environ, start_response):
        if environ['PATH_INFO'] == '/slow':
            # Answers when the test says so, to show that a stopping worker finishes what it has begun.
            (self._directory / 'begun').touch()
            while not (self._directory / 'go').exists():
                time.sleep(0.02)
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return [f'{self._name} {self._built_with} {os.getpid()}'.encode()]

    def _check(self):
        if (self._directory / 'empty').exists():
            raise errors.ServiceDown(f'The {self._name} shelf is empty.')


if __name__ == '__main__':
    sys.exit(main())
