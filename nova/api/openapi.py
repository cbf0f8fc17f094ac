"""Describe the API as OpenAPI 3.1, from the route table: one document for each microversion, served at /openapi.json."""

import inspect
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

import orjson
import webob

from nova.api import faults, microversions
from nova.api.microversions import HEADER, MAX, MIN, Version
from nova.api.request import Answer
from nova.api.routes import Route
from nova.api.schema import Query

PATH = '/openapi.json'
_WITHOUT_BODY = (201, 204)
_FAULTS = {
    '400': 'The request is wrong; the message names the field.',
    '401': 'There is no valid token.',
    '403': 'Policy or a quota does not allow it.',
    '404': 'There is no such thing, or not for this caller, or not at this microversion.',
    '409': 'The state of the thing does not allow it now.',
}
_FAULT = {
    'description': 'One key, which names the kind of fault.',
    'type': 'object',
    'minProperties': 1,
    'maxProperties': 1,
    'additionalProperties': {
        'type': 'object',
        'required': ['code', 'message'],
        'properties': {
            'code': {'type': 'integer'},
            'message': {'type': 'string'},
            'retryAfter': {'type': 'string'},
        },
    },
}
_VERSION = {
    'name': HEADER,
    'in': 'header',
    'description': f'The microversion that is spoken: `compute {MIN}` to `compute {MAX}`, or `compute latest`.',
    'schema': {'type': 'string'},
}
_KEY = {
    'name': 'Idempotency-Key',
    'in': 'header',
    'description': 'With a key the request is carried out once, however often it is sent within a day.',
    'schema': {'type': 'string', 'minLength': 1, 'maxLength': 255},
}


class Documents:
    """The documents of one route table, each made when it is first asked for."""

    def __init__(self, table: Iterable[Route]):
        self._table = tuple(table)
        self._made: dict[Version, bytes] = {}
        self._lock = threading.Lock()

    def document(self, environ: dict[str, Any]) -> Answer | None:
        """The answer to a request for the document, by header or by ?microversion=; None if it is for something else."""
        if environ.get('PATH_INFO') != PATH:
            return None
        if environ.get('REQUEST_METHOD') not in ('GET', 'HEAD'):
            raise faults.MethodNotAllowed(['GET', 'HEAD'])
        asked = parse_qs(environ.get('QUERY_STRING', '')).get('microversion')
        headers = {HEADER: f'compute {asked[-1]}'} if asked else webob.Request(environ).headers
        version = microversions.negotiate(headers)
        return Answer(self._at(version), 200, tuple(microversions.answer_headers(version)))

    def _at(self, version: Version) -> bytes:
        with self._lock:
            if version not in self._made:
                self._made[version] = orjson.dumps(document(self._table, version))
            return self._made[version]


def document(table: Iterable[Route], version: Version, samples: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The document of a microversion. `samples` are answers by file name, from which the forms of answers are told."""
    here = [entry for entry in table if entry.at(version)]
    calls: dict[str, dict[str, list[Route]]] = {}
    for entry in sorted(here, key=lambda entry: (entry.path, entry.method, entry.action or '')):
        calls.setdefault(entry.path, {}).setdefault(entry.method.lower(), []).append(entry)
    return {
        'openapi': '3.1.0',
        'info': {
            'title': 'Compute API',
            'version': str(version),
            'description': f'The OpenStack Compute API at microversion {version}.',
        },
        'servers': [{'url': '/v2.1'}],
        'security': [{'token': []}],
        'x-openstack': {'microversion': str(version), 'min-microversion': str(MIN), 'max-microversion': str(MAX)},
        'paths': {
            path: {method: _operation(entries, version, samples or {}) for method, entries in methods.items()}
            for path, methods in calls.items()
        },
        'components': {
            'securitySchemes': {'token': {'type': 'apiKey', 'in': 'header', 'name': 'X-Auth-Token'}},
            'parameters': {'microversion': _VERSION, 'key': _KEY},
            'schemas': {'fault': _FAULT},
            'responses': {
                'fault': {
                    'description': 'What was wrong.',
                    'content': {'application/json': {'schema': {'$ref': '#/components/schemas/fault'}}},
                }
            },
        },
    }


def _operation(entries: list[Route], version: Version, samples: Mapping[str, Any]) -> dict[str, Any]:
    first = entries[0]
    operation = {
        'operationId': _slug(first),
        'tags': [first.handler.__module__.removeprefix('nova.api.resources.')],
        'summary': _summary(first) if first.action is None else 'Act on it: the one key of the body says how.',
        'parameters': [
            *_path_parameters(first.path),
            *(_query_parameters(first.query, version) if first.query else ()),
            {'$ref': '#/components/parameters/microversion'},
            *([{'$ref': '#/components/parameters/key'}] if first.method == 'POST' else ()),
        ],
        'responses': _responses(entries, version, samples),
        'x-openstack': [_particulars(entry) for entry in entries],
    }
    if first.query and first.query.patterns:
        operation['x-openstack-query-patterns'] = list(first.query.patterns)
    bodies = [_body(entry, version) for entry in entries if entry.body is not None or entry.action]
    if bodies:
        schema = bodies[0] if len(bodies) == 1 else {'oneOf': bodies}
        operation['requestBody'] = {'required': True, 'content': {'application/json': {'schema': schema}}}
    if all(entry.until < MAX for entry in entries):
        operation['deprecated'] = True
    return operation


def _particulars(entry: Route) -> dict[str, Any]:
    """What OpenAPI has no words for."""
    told: dict[str, Any] = {'since': str(entry.since), 'status': entry.status}
    if entry.until < MAX:
        told['until'] = str(entry.until)
    if entry.action:
        told |= {'action': entry.action, 'summary': _summary(entry)}
    if entry.repeatable:
        told['repeatable'] = True
    if entry.policy:
        told['policy'] = {'name': entry.policy.name, 'check': entry.policy.check}
    return told


def _body(entry: Route, version: Version) -> dict[str, Any]:
    if entry.body is None:
        return {'title': entry.action, 'type': 'object', 'required': [entry.action]}
    schema = entry.body.at(version)
    return {'title': entry.action, **schema} if entry.action else schema


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {'name': name, 'in': 'path', 'required': True, 'schema': {'type': 'string', 'minLength': 1}}
        for name in re.findall(r'\{(\w+)\}', path)
    ]


def _query_parameters(query: Query, version: Version) -> list[dict[str, Any]]:
    return [
        {
            'name': field.name,
            'in': 'query',
            'required': field.required,
            'schema': {'type': 'array', 'items': field.schema, 'maxItems': 100} if field.many else field.schema,
        }
        for field in query.fields
        if field.at(version)
    ]


def _responses(entries: list[Route], version: Version, samples: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in entries:
        if entry.status < 400:
            told = found.setdefault(str(entry.status), {'description': 'It is done.'})
            if entry.status == 202:
                told['description'] = 'It is begun.'
            if entry.status not in _WITHOUT_BODY and (form := _answer_form(entry, version, samples)):
                told.setdefault('content', {}).setdefault('application/json', {'schema': {'anyOf': []}})
                told['content']['application/json']['schema']['anyOf'].append(form)
    for answer in found.values():
        for content in answer.get('content', {}).values():
            if len(content['schema']['anyOf']) == 1:
                content['schema'] = content['schema']['anyOf'][0]
    for status, text in _FAULTS.items():
        found[status] = {
            'description': text,
            'content': {'application/json': {'schema': {'$ref': '#/components/schemas/fault'}}},
        }
    for entry in entries:
        if entry.status >= 400:
            found[str(entry.status)] = {'$ref': '#/components/responses/fault'}
    return found | {'default': {'$ref': '#/components/responses/fault'}}


def _answer_form(entry: Route, version: Version, samples: Mapping[str, Any]) -> dict[str, Any] | None:
    """The form of the newest sample answer that is not newer than the version."""
    dated = []
    for name in entry.samples:
        found = re.search(r'/v(\d+\.\d+)/', name)
        since = Version.parse(found[1]) if found else MIN
        if since <= version and name in samples:
            dated.append((since, name))
    return form(samples[max(dated)[1]]) if dated else None


def form(value: Any) -> dict[str, Any]:
    """The JSON Schema of values that look like this one."""
    if isinstance(value, dict):
        return {'type': 'object', 'properties': {name: form(item) for name, item in value.items()}}
    if isinstance(value, list):
        return {'type': 'array', 'items': form(value[0])} if value else {'type': 'array'}
    if isinstance(value, bool):
        return {'type': ['boolean', 'null']}
    if isinstance(value, int | float):
        return {'type': ['number', 'null']}
    return {'type': ['string', 'null']} if isinstance(value, str) else {}


def _summary(entry: Route) -> str:
    return (inspect.getdoc(entry.handler) or entry.name).split('\n\n')[0].replace('\n', ' ')


def _slug(entry: Route) -> str:
    words = re.sub(r'[^a-zA-Z0-9]+', '_', entry.path).strip('_') or 'version'
    return f'{entry.method.lower()}_{words}'
