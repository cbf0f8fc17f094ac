"""A POST with a key is done once, whatever happens to the process that does it."""

import dataclasses
import datetime
import json

import pytest
import webob
from oslo_config import cfg

from nova import errors
from nova.api import app
from nova.conductor.reconcilers.old_answers import OLD_ANSWERS
from nova.db.stores import idempotency, mappings, operations
from tests.fakes.identity import FakeIdentity
from tests.unit.api.cloud import PUBLIC_KEY
from tests.unit.api.servers.world import CELL_ID, IMAGE_ID, NOW

SERVER = {'server': {'name': 'web', 'imageRef': IMAGE_ID, 'flavorRef': '1', 'networks': 'none'}}
GROUP = {'server_group': {'name': 'g', 'policies': ['affinity']}}
FLAVOR = {'flavor': {'name': 'small', 'ram': 1, 'vcpus': 1, 'disk': 1}}
KEYPAIR = {'keypair': {'name': 'mine', 'public_key': PUBLIC_KEY}}


class Died(BaseException):
    """The process ended here."""


class Api:
    """Sends POSTs with a key. `later` lets time pass."""

    def __init__(self, cloud):
        self.cloud, self.now = cloud, NOW
        self.services = dataclasses.replace(cloud.services, clock=lambda: self.now)
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[])
        self.app = app.build_with(self.services, None, FakeIdentity().wrap, conf)

    def post(self, path, body, key='k', token='member', version='2.37'):
        asked = webob.Request.blank(f'/v2.1{path}', method='POST')
        asked.headers.update({'X-Auth-Token': token, 'OpenStack-API-Version': f'compute {version}'})
        if key is not None:
            asked.headers['Idempotency-Key'] = key
        asked.content_type, asked.body = 'application/json', json.dumps(body).encode()
        return asked.get_response(self.app)

    def later(self, **much):
        self.now += datetime.timedelta(**much)

    def servers(self):
        with self.cloud.databases.api.reading() as tx:
            return mappings.count_usage(tx, 'demo').instances


@pytest.fixture
def api(cloud):
    return Api(cloud)


def message(answer):
    (particulars,) = answer.json.values()
    return particulars['message']


def test_the_same_request_gets_the_first_answer(api):
    first, second = api.post('/servers', SERVER), api.post('/servers', SERVER)
    assert (first.status_int, second.status_int) == (202, 202)
    assert second.body == first.body
    assert second.headers['Location'] == first.headers['Location']
    assert 'Idempotency-Replayed' not in first.headers
    assert second.headers['Idempotency-Replayed'] == 'true'
    assert api.servers() == 1


def test_another_key_or_none_is_another_request(api):
    for key in ('a', 'b', None, None):
        assert api.post('/servers', SERVER, key).status_int == 202
    assert api.servers() == 4


def test_the_order_of_fields_does_not_matter_but_what_is_asked_does(api):
    assert api.post('/servers', SERVER).status_int == 202
    turned = {'server': dict(reversed(SERVER['server'].items()))}
    assert api.post('/servers', turned).headers['Idempotency-Replayed'] == 'true'
    other = {'server': SERVER['server'] | {'name': 'other'}}
    for answer in (api.post('/servers', other), api.post('/servers', SERVER, version='2.38')):
        assert answer.status_int == 422
        assert 'Choose a new key' in message(answer)
    assert api.servers() == 1


def test_keys_belong_to_one_user_of_one_project_and_one_path(api):
    assert api.post('/flavors', FLAVOR, token='admin').status_int == 200
    assert api.post('/servers', SERVER).status_int == 202
    assert 'Idempotency-Replayed' not in api.post('/servers', SERVER, token='manager').headers
    assert api.post('/os-keypairs', KEYPAIR).status_int == 201


@pytest.mark.parametrize('key', ['', 'x' * 256, 'tab\there', 'gr\u00fcn'])
def test_a_key_of_a_wrong_form_is_refused(api, key):
    answer = api.post('/servers', SERVER, key)
    assert answer.status_int == 400
    assert 'Idempotency-Key' in message(answer)
    assert api.servers() == 0


def test_a_refusal_is_an_answer_too(api):
    assert api.post('/os-keypairs', KEYPAIR, key='first').status_int == 201
    for _ in range(2):
        answer = api.post('/os-keypairs', KEYPAIR, key='second')
        assert answer.status_int == 409
    assert answer.headers['Idempotency-Replayed'] == 'true'


def test_what_is_refused_before_it_begins_may_be_sent_again(api):
    assert api.post('/servers', {'server': {}}).status_int == 400
    assert api.post('/servers', SERVER, token='reader').status_int == 403
    assert api.post('/servers', SERVER).status_int == 202


def test_a_failure_of_the_cloud_is_not_kept(api):
    kept, api.cloud.images.kept = api.cloud.images.kept, _Away()
    assert api.post('/servers', SERVER).status_int == 503
    api.cloud.images.kept = kept
    answer = api.post('/servers', SERVER)
    assert answer.status_int == 202
    assert 'Idempotency-Replayed' not in answer.headers


def test_answers_are_kept_for_a_day(api):
    api.post('/servers', SERVER)
    api.later(hours=23, minutes=59)
    assert api.post('/servers', SERVER).headers['Idempotency-Replayed'] == 'true'
    api.later(minutes=2)
    assert 'Idempotency-Replayed' not in api.post('/servers', SERVER).headers
    assert api.servers() == 2


def test_a_conductor_forgets_old_answers(api):
    api.post('/servers', SERVER, key='old')
    api.later(days=1, seconds=1)
    api.post('/servers', SERVER, key='new')
    OLD_ANSWERS.repair(_Conductor(api.cloud.databases, api.now))
    with api.cloud.databases.api.writing() as tx:
        assert idempotency.expire(tx, api.now + datetime.timedelta(days=9)) == 1


def test_while_the_first_is_carried_out_the_second_waits(api):
    die_in_images(api)
    answer = api.post('/servers', SERVER)
    assert answer.status_int == 409
    assert answer.headers['Retry-After']
    assert api.servers() == 0


def test_a_server_that_was_recorded_before_the_process_died_is_not_made_again(api):
    run, api.cloud.bus.run_operation = api.cloud.bus.run_operation, _die
    with pytest.raises(Died):
        api.post('/servers', SERVER)
    api.cloud.bus.run_operation = run
    answer = api.post('/servers', SERVER)
    assert (answer.status_int, answer.headers['Idempotency-Replayed']) == (202, 'true')
    assert api.servers() == 1
    with api.cloud.databases.api.reading() as tx:
        assert len(operations.of_server(tx, answer.json['server']['id'])) == 1


def test_a_server_that_was_not_recorded_is_made_by_whoever_asks_after_the_lease(api):
    die_in_images(api)
    api.later(seconds=121)
    assert api.post('/servers', SERVER).status_int == 202
    assert api.post('/servers', SERVER).headers['Idempotency-Replayed'] == 'true'
    assert api.servers() == 1


def test_a_process_that_was_taken_for_dead_changes_nothing_more(api):
    """It wakes up in the middle of its request, after another has carried it out."""
    get = api.cloud.images.get

    def slow(context, image_id):
        api.cloud.images.get = get
        api.later(seconds=121)
        assert api.post('/servers', SERVER).status_int == 202
        return get(context, image_id)

    api.cloud.images.get = slow
    assert api.post('/servers', SERVER).status_int == 409
    assert api.servers() == 1


def test_a_verb_that_was_recorded_before_the_process_died_is_not_begun_again(api):
    server = api.cloud.server()
    path, stop = f'/servers/{server.id}/action', {'os-stop': None}
    run, api.cloud.bus.run_operation = api.cloud.bus.run_operation, _die
    with pytest.raises(Died):
        api.post(path, stop)
    api.cloud.bus.run_operation = run
    assert api.post(path, stop).status_int == 409
    api.later(seconds=121)
    first, second = api.post(path, stop), api.post(path, stop)
    assert (first.status_int, first.body) == (second.status_int, second.body) == (202, b'')
    assert second.headers['Idempotency-Replayed'] == 'true'
    assert [row.verb for row in verbs(api, server)] == ['stop']


def test_a_verb_that_was_not_recorded_is_begun_by_whoever_asks_after_the_lease(api):
    server = api.cloud.server()
    path, stop = f'/servers/{server.id}/action', {'os-stop': None}
    cell, api.cloud.databases.cell = api.cloud.databases.cell, _die
    with pytest.raises(Died):
        api.post(path, stop)
    api.cloud.databases.cell = cell
    api.later(seconds=121)
    assert api.post(path, stop).status_int == 202
    assert len(verbs(api, server)) == 1


def test_what_may_have_been_done_is_not_done_again(api):
    """Nothing tells whether access was given: the answer is not kept in the transaction that gives it."""
    path, body = '/flavors/secret/action', {'addTenantAccess': {'tenant': 'demo'}}
    dies(api, 3, path, body)
    api.later(seconds=121)
    answer = api.post(path, body, token='admin')
    assert answer.status_int == 409
    assert 'new key' in message(answer)


@pytest.mark.parametrize(
    ('path', 'body'),
    [
        ('/servers', SERVER),
        ('/flavors', FLAVOR),
        ('/os-keypairs', KEYPAIR),
        ('/os-server-groups', GROUP),
        ('/os-aggregates', {'aggregate': {'name': 'rack'}}),
    ],
)
def test_what_is_made_in_one_transaction_with_its_answer_is_made_once(api, path, body):
    """The process dies before that transaction, and after it."""
    dies(api, 2, path, body)
    api.later(seconds=121)
    # By now two transactions find the request and take it over.
    dies(api, 4, path, body)
    answer = api.post(path, body, token='admin')
    assert answer.status_int < 300, answer.text
    assert answer.headers['Idempotency-Replayed'] == 'true'


def test_a_key_costs_nothing_to_those_who_send_none(api):
    api.post('/servers', SERVER, key='warm')
    before = api.cloud.databases.statements.value
    api.post('/servers', SERVER, key=None)
    without = api.cloud.databases.statements.value - before
    api.post('/servers', SERVER, key='other')
    with_key = api.cloud.databases.statements.value - before - without
    assert with_key == without + 3


def test_answers_cannot_be_read_from_the_database(api):
    password = api.post('/servers', SERVER).json['server']['adminPass']
    with api.cloud.databases.api.reading() as tx:
        raw = tx.exec_driver_sql('SELECT * FROM idempotent_requests').all()
    assert raw
    assert password not in str(raw)


def verbs(api, server):
    with api.cloud.databases.cell(CELL_ID).reading() as tx:
        return operations.of_server(tx, server.id)


def _die(*_arguments, **_more):
    raise Died


def die_in_images(api):
    get, api.cloud.images.get = api.cloud.images.get, _die
    with pytest.raises(Died):
        api.post('/servers', SERVER)
    api.cloud.images.get = get


def dies(api, transaction, path, body):
    """Send a request whose process dies when it begins its n-th transaction on the API database: the first notes the
    request, the last keeps its answer."""
    writing, begun = api.cloud.databases.api.writing, []

    def count():
        begun.append(1)
        if len(begun) == transaction:
            raise Died
        return writing()

    api.cloud.databases.api.writing = count
    with pytest.raises(Died):
        api.post(path, body, token='admin')
    api.cloud.databases.api.writing = writing


class _Away:
    def __contains__(self, image_id):
        raise errors.ServiceDown('Glance is away.')


@dataclasses.dataclass
class _Conductor:
    databases: object
    moment: datetime.datetime

    def now(self):
        return self.moment
