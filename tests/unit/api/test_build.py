"""The application as nova-api builds it from its options, in front of a Keystone."""

import subprocess
import sys

import pytest
import webob

from nova import conf as options
from nova.api import app
from nova.api.metadata import app as metadata
from nova.api.services import Settings
from nova.db.engine import Databases
from tests.fakes.keystone import FakeKeystone
from tests.unit.api.servers.world import World

NEIGHBOURS = ('keystone_authtoken', 'placement', 'glance', 'neutron')


@pytest.fixture
def keystone():
    made = FakeKeystone()
    yield made
    made.stop()


@pytest.fixture
def conf(tmp_path, template, keystone):
    World(tmp_path, template).databases.close()
    text = f'[database]\nconnection = sqlite:///{tmp_path}/cell1.db\n'
    text += f'[api_database]\nconnection = sqlite:///{tmp_path}/api.db\n'
    for group in NEIGHBOURS:
        text += (
            f'[{group}]\nauth_type = password\nauth_url = {keystone.url}/v3\nusername = nova\npassword = p\n'
            'project_name = service\nuser_domain_name = Default\nproject_domain_name = Default\n'
        )
    text += '[api]\nmax_limit = 7\n[quota]\ncores = 3\n[DEFAULT]\nservice_down_time = 9\ntransport_url = fake://\n'
    (tmp_path / 'nova.conf').write_text(text)
    return options.load(['--config-file', str(tmp_path / 'nova.conf')], 'nova-api')


@pytest.fixture
def application(conf):
    made = app.build(conf)
    yield made
    made.services.databases.close()


def get(application, path, token=None, **headers):
    asked = webob.Request.blank(path)
    asked.headers.update(headers)
    if token:
        asked.headers['X-Auth-Token'] = token
    return asked.get_response(application)


def test_settings_are_the_options(conf):
    settings = Settings.of(conf)
    assert (settings.max_limit, settings.quotas['cores'], settings.service_down_time) == (7, 3, 9)
    assert settings.quotas['injected_file_path_bytes'] == 255


def test_building_connects_to_nothing(application, keystone):
    assert keystone.calls == []
    assert get(application, '/').status_int == 300
    assert keystone.calls == []


def test_a_token_is_validated_once(application, keystone):
    token = keystone.token('alice')
    for _ in range(5):
        assert get(application, '/v2.1/flavors', token).status_int == 200
    assert keystone.count('GET', '/v3/auth/tokens') == 1


def test_the_callers_own_headers_count_for_nothing(application, keystone):
    headers = {'X-Roles': 'admin', 'X-User-Id': 'root', 'X-Identity-Status': 'Confirmed'}
    assert get(application, '/v2.1/os-services', **headers).status_int == 401
    assert get(application, '/v2.1/os-services', keystone.token('alice'), **headers).status_int == 403
    assert get(application, '/v2.1/os-services', 'forged', **headers).status_int == 401


def test_keystone_away_is_503_and_what_is_remembered_still_works(application, keystone):
    known, unknown = keystone.token('alice'), keystone.token('alice')
    assert get(application, '/v2.1/flavors', known).status_int == 200
    keystone.stop()
    assert get(application, '/v2.1/flavors', known).status_int == 200
    assert get(application, '/v2.1/flavors', unknown).status_int == 503


def test_checks_name_what_is_away(application, keystone):
    assert set(application.checks) == {'database', 'bus', 'keystone', 'glance', 'placement', 'network'}
    application.checks['database']()
    application.checks['keystone']()


def test_a_keystone_that_makes_no_sense_is_503(application, keystone):
    token = keystone.token('alice')
    keystone.url = 'http://127.0.0.1:1'
    assert get(application, '/v2.1/flavors', token).status_int == 503


# A module that a request loads is kept by each worker process for itself.
SERVE_SOME = """
import sys, webob
from nova.cmd import threads, wsgi
threads.native()
from nova import conf as options
from nova.api import app
from nova.api.metadata import app as metadata
conf = options.load(['--config-file', sys.argv[1]], 'nova-api')
application = app.build(conf)
metadata.build(conf)
wsgi.share_memory()
before = set(sys.modules)
for path in ('/v2.1/flavors/detail', '/v2.1/servers/detail', '/v2.1/os-services', '/v2.1/limits'):
    answer = webob.Request.blank(path, headers={'X-Auth-Token': sys.argv[2]}).get_response(application)
    assert answer.status_int == 200, answer.text
for name in ('database', 'keystone', 'bus'):
    application.checks[name]()
print(*sorted(set(sys.modules) - before))
"""


def test_requests_load_no_module_that_was_not_loaded_before_the_fork(conf, keystone, tmp_path):
    command = [sys.executable, '-W', 'ignore', '-c', SERVE_SOME, tmp_path / 'nova.conf', keystone.token('nova')]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


def test_both_applications_of_a_process_use_the_same_databases(conf):
    databases = Databases.from_conf(conf)
    assert app.build(conf, databases).services.databases is databases
    assert metadata.build(conf, databases).checks['database'] == databases.check


def test_operations_have_the_deadline_of_the_options(conf):
    conf.set_override('deadline', 77, 'operations')
    assert app.build(conf).services.operation_deadline == 77
