"""How a neighbour's WSGI application is served."""

from nova.standalone import configuration
from nova.standalone.daemon import NEIGHBOURS, Daemon
from nova.standalone.layout import Layout

WORKERS = 1
THREADS = 8


def write_settings(layout: Layout, name: str, application: str | None, threads: int = THREADS) -> None:
    """One process with threads: on one machine the neighbours' work is short, and a process costs 100 MiB.

    `application` is None for one that an argument of the daemon names.
    """
    settings = {
        **({'wsgi_app': application} if application else {}),
        'bind': layout.listen(name),
        'workers': WORKERS,
        'worker_class': 'gthread',
        'threads': threads,
        'keepalive': 75,
        'timeout': 120,
        'graceful_timeout': 10,
        'worker_tmp_dir': str(layout.run),
        'control_socket_disable': True,
    }
    text = ''.join(f'{name} = {value!r}\n' for name, value in settings.items())
    configuration.write(_settings_file(layout, name), text)


def _settings_file(layout: Layout, name: str):
    return layout.etc(name) / 'gunicorn.conf.py'


def daemon(
    layout: Layout,
    name: str,
    environment: dict[str, str],
    ready_path: str,
    config_file: str,
    arguments: tuple[str, ...] = (),
) -> Daemon:
    settings = str(_settings_file(layout, name))
    return Daemon(
        name,
        (layout.neighbour_program('gunicorn'), *arguments),
        NEIGHBOURS,
        # Not as arguments: Keystone takes the arguments of whoever imports it for its own.
        environment={'GUNICORN_CMD_ARGS': f'--config={settings}', **environment},
        address=layout.listen(name),
        ready_url=layout.url(name, ready_path),
        config_files=(config_file, settings),
    )
