"""Whatever requests the OpenAPI document allows, and such as it does not, are answered as it says; none is a failure of ours.

A short run with the same requests each time. How many were made, and what was found, is said at the end of all tests.
A long run is made so:

    NOVA_SCHEMATHESIS_EXAMPLES=20 NOVA_SCHEMATHESIS_SECONDS=3600 \\
        python -m pytest tests/functional/test_schemathesis.py --database all

NOVA_SCHEMATHESIS_EXAMPLES
    how many requests to make of each kind for each call, and for each action of one, instead of 2
NOVA_SCHEMATHESIS_SECONDS
    when to end the run of a version on a database, instead of after 40 seconds
NOVA_SCHEMATHESIS_SEED
    a number, to make other requests
"""

import copy
import os
import time
from urllib.parse import quote, urlencode

import hypothesis
import pytest
import schemathesis
import webob
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode

from nova.api import faults, openapi, routes
from nova.api.microversions import MAX, MIN
from tests.conftest import FIGURES

EXAMPLES = int(os.environ.get('NOVA_SCHEMATHESIS_EXAMPLES', 2))
SECONDS = float(os.environ.get('NOVA_SCHEMATHESIS_SECONDS', 40))
SEED = int(os.environ.get('NOVA_SCHEMATHESIS_SEED', 1))
# What this cloud cannot do, and what is not there just now, is said so.
HONEST = (501, 503)
# How many of the findings are shown.
SHOWN = 30


class Target:
    """A cloud with a server and other things of its own, and the document of a version, which names them."""

    def __init__(self, cloud, version):
        self.cloud, self.version, self.api = cloud, version, cloud.api('admin')
        server_id = self.api.create()
        self.api.wait(server_id)
        self.known = {'server_id': server_id, 'flavor_id': 'small', 'project_id': 'demo', 'image_id': self.image()}
        self.schema = schemathesis.openapi.from_dict(self.document())

    def image(self):
        return next(iter(self.cloud.glance.images))

    def document(self):
        """The document, without the headers that would only get in the way, and with ids that exist."""
        document = copy.deepcopy(openapi.document(routes.collect(), self.version))
        del document['components']['securitySchemes'], document['security']
        for methods in document['paths'].values():
            for operation in methods.values():
                operation['parameters'] = [each for each in operation['parameters'] if '$ref' not in each]
                for parameter in operation['parameters']:
                    if parameter['in'] == 'path' and parameter['name'] in self.known:
                        parameter['schema'] = {'enum': [self.known[parameter['name']], 'unknown']}
        return document

    def operations(self):
        """Those that take things away come last."""
        found = [found.ok() for found in self.schema.get_all_operations()]
        return sorted(found, key=lambda operation: operation.method.upper() == 'DELETE')

    def ask(self, case):
        """The answer to a case; what is wrong with it, or None."""
        kwargs = case.as_transport_kwargs(base_url='http://localhost/v2.1')
        asked = webob.Request.blank(_address(kwargs['url'], kwargs.get('params')), method=case.method.upper())
        asked.headers.update({'X-Auth-Token': 'admin', 'OpenStack-API-Version': f'compute {self.version}'})
        if 'json' in kwargs and case.method.upper() != 'GET':
            asked.json_body = kwargs['json']
        answer = asked.get_response(self.cloud.app)
        return answer, self.wrong(case, answer)

    def wrong(self, case, answer):
        status = answer.status_int
        if status >= 500 and status not in HONEST:
            return f'is answered {status}: {answer.text[-200:]}'
        if answer.body and answer.content_type != 'application/json':
            return f'is answered in {answer.content_type}'
        if status >= 400:
            particulars = next(iter(answer.json.values()), None) if answer.body else None
            if not particulars or particulars.get('code') != status or not particulars.get('message'):
                return f'is answered {status} without a fault: {answer.text[:200]}'
        elif str(status) not in case.operation.definition.raw['responses'] and status not in (200, 201, 202, 204, 207):
            return f'is answered {status}, which is nowhere documented'
        if status == 404 and not case.path_parameters and str(faults.NoRoute()) in answer.text:
            return f'is not there though it is documented: {answer.text[:200]}'
        return None


@pytest.fixture(params=[MAX, MIN], ids=str)
def target(request, make_cloud):
    return Target(make_cloud(host_names=('h1',)), request.param)


@pytest.mark.every_database
@pytest.mark.timeout(SECONDS + 260)
def test_documented_requests_and_others_are_answered_as_documented(target, record_property):
    begun, found, made = time.monotonic(), {}, 0
    operations, ends = target.operations(), begun + SECONDS
    for operation in operations:
        for mode in _modes(operation):
            if time.monotonic() < ends:
                made += _try(target, operation, mode, found, ends)
    took = time.monotonic() - begun
    record_property(FIGURES, f'{made} requests to {len(operations)} calls in {took:.0f} s, {len(found)} findings')
    assert len(operations) > 100
    assert made >= min(len(operations), EXAMPLES * 20), 'Hardly any request was made in the time.'
    assert not found, '\n'.join([f'{len(found)} findings:', *list(found.values())[:SHOWN]])


def _modes(operation):
    """Of a call that takes nothing but free text in its path no request is wrong; to look for one takes long."""
    raw = operation.definition.raw
    bounded = any(each['in'] == 'query' or 'enum' in each['schema'] for each in raw['parameters'])
    if bounded or 'requestBody' in raw:
        return GenerationMode.POSITIVE, GenerationMode.NEGATIVE
    return (GenerationMode.POSITIVE,)


def _actions(operation):
    """How many kinds of bodies a call takes."""
    contents = operation.definition.raw.get('requestBody', {}).get('content', {})
    return max((len(content['schema'].get('oneOf', ())) for content in contents.values()), default=0) or 1


def _try(target, operation, mode, found, ends):
    """Make some requests of a kind; how many. One fault of a kind is noted for each call."""
    made = []

    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=EXAMPLES * _actions(operation),
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def run(case):
        if time.monotonic() > ends:
            return
        answer, wrong = target.ask(case)
        made.append(answer.status_int)
        if wrong:
            told = f'{operation.method.upper()} {case.formatted_path}?{case.query} {str(case.body)[:300]} {wrong}'
            found.setdefault((operation.label, answer.status_int), told)

    try:
        run()
    except (hypothesis.errors.Unsatisfiable, schemathesis.errors.InvalidSchema):
        # There is no wrong request to a call that takes nothing.
        pass
    return len(made)


def _address(url, params):
    """The address of a request as a client sends it: whatever stands in the path, in ASCII."""
    url = quote(url, safe="%/:?#[]@!$&'()*+,;=~")
    return url if not params else f'{url}?{urlencode(list(params.items()), doseq=True)}'
