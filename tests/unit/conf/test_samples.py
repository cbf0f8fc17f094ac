"""The samples and units in etc/ say what the code says."""

import configparser
import pathlib
import re
import subprocess
import sys

import pytest

from nova.conf import health

ROOT = pathlib.Path(__file__).parents[3]
SAMPLES = ROOT / 'etc' / 'nova'
UNITS = sorted((ROOT / 'etc' / 'systemd').glob('*.service'))


@pytest.fixture(scope='module')
def fresh(tmp_path_factory):
    directory = tmp_path_factory.mktemp('samples')
    subprocess.run([sys.executable, str(ROOT / 'tools' / 'sample-config'), '--into', str(directory)], check=True)
    return directory


def ours(text):
    """What is ours in a sample of options: the parts of libraries change with their versions."""
    parts = re.split(r'^(\[\S+\])$', text, flags=re.MULTILINE)
    found = {}
    for group, body in zip(parts[1::2], parts[2::2], strict=True):
        for origin, options in re.findall(r'#\n# From (\S+)\n#\n(.*?)(?=\n#\n# From |\Z)', body, flags=re.DOTALL):
            if origin == 'nova':
                found[group] = options.strip()
    return found


def test_the_sample_of_options_is_up_to_date(fresh):
    kept, now = (ours((place / 'nova.conf.sample').read_text()) for place in (SAMPLES, fresh))
    assert '[quota]' in now
    assert kept == now, 'Run tools/sample-config.'


def test_the_sample_of_policies_is_up_to_date(fresh):
    kept, now = ((place / 'policy.yaml.sample').read_text() for place in (SAMPLES, fresh))
    assert kept == now, 'Run tools/sample-config.'


def unit(path):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read(path)
    return parser


def test_every_daemon_has_a_unit():
    assert {path.stem for path in UNITS} == {f'nova-{name.replace("_", "-")}' for name in health.DAEMONS}


@pytest.mark.parametrize('path', UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_a_program_that_we_install_and_waits_for_its_word(path):
    setup = configparser.RawConfigParser()
    setup.read(ROOT / 'setup.cfg')
    programs = re.findall(r'^([\w-]+) =', setup['options.entry_points']['console_scripts'], flags=re.MULTILINE)
    service = unit(path)['Service']
    assert service['ExecStart'] == f'/usr/bin/{path.stem}'
    assert path.stem in programs
    assert service['Type'] == 'notify'
    assert service['Restart'] == 'always'
    assert service['NoNewPrivileges'] == 'yes'


@pytest.mark.parametrize('path', UNITS, ids=lambda path: path.stem)
def test_only_what_works_on_the_host_itself_runs_as_root(path):
    service = unit(path)['Service']
    on_the_host = path.stem in ('nova-compute', 'nova-network')
    assert service['User'] == ('root' if on_the_host else 'nova')
    assert service['ProtectSystem'] == ('full' if on_the_host else 'strict')
