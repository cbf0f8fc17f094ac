"""Configuration files hold what was meant, and are touched only when they change."""

import stat

from oslo_config import cfg

from nova.standalone import configuration


def test_oslo_config_reads_what_was_written(tmp_path):
    path = tmp_path / 'etc' / 'service.conf'
    password = 'a$b%c{d}#e'
    configuration.write(path, configuration.ini({'DEFAULT': {'url': f'rabbit://u:{password}@h/v'}, 'x': {'n': 3}}))
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.StrOpt('url')])
    conf.register_opts([cfg.IntOpt('n')], group='x')
    conf(['--config-file', str(path)])
    assert conf.url == f'rabbit://u:{password}@h/v'
    assert conf.x.n == 3


def test_the_same_text_leaves_the_file_alone(tmp_path):
    path = tmp_path / 'service.conf'
    configuration.write(path, 'text')
    before = path.stat().st_ino
    configuration.write(path, 'text')
    assert path.stat().st_ino == before
    configuration.write(path, 'other')
    assert path.read_text() == 'other'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
