"""Give our applications to a WSGI server of the operator's choice, which passes no command line."""

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

DEFAULT_DIRECTORY = '/etc/nova'
DEFAULT_FILES = 'nova.conf'


def config_files(environ: Mapping[str, str]) -> list[str]:
    """The files that OS_NOVA_CONFIG_FILES names, separated by semicolons, relative to OS_NOVA_CONFIG_DIR."""
    directory = environ.get('OS_NOVA_CONFIG_DIR', '').strip() or DEFAULT_DIRECTORY
    names = environ.get('OS_NOVA_CONFIG_FILES', '').strip() or DEFAULT_FILES
    paths = [os.path.join(directory, name.strip()) for name in names.split(';') if name.strip()]
    # A list written for OpenStack Compute also names its paste pipeline, which is not an options file.
    return [path for path in paths if not path.endswith('api-paste.ini')]


class Embedded:
    """A WSGI application that reads its options and builds itself when the first request arrives."""

    def __init__(self, prog: str, build: Callable[[Any], Callable], environ: Mapping[str, str] = os.environ):
        self._prog, self._build, self._environ = prog, build, environ
        self._application: Callable | None = None
        self._lock = threading.Lock()

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        return (self._application or self._made())(environ, start_response)

    def _made(self) -> Callable:
        with self._lock:
            if self._application is None:
                from nova.cmd import daemon

                files = [path for path in config_files(self._environ) if os.path.exists(path)]
                arguments = [argument for path in files for argument in ('--config-file', path)]
                self._application = self._build(daemon.configure(self._prog, arguments))
            return self._application
