"""Write doc/openapi.json and doc/api.rst, the reference of the REST API, from the route table."""

import argparse
import collections
import importlib
import inspect
import json
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

from nova.api import openapi, routes
from nova.api.microversions import MAX, MIN
from nova.api.routes import Route
from nova.api.schema import Field

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCUMENT, PAGE = ROOT / 'doc' / 'openapi.json', ROOT / 'doc' / 'api.rst'
SAMPLES = ROOT / 'tests' / 'samples'
GONE = 'nova.api.resources.gone'

OPENING = """\
.. Written by tools/api-reference from the route table in nova/api/resources; change it there, then run the tool.

===
API
===

The REST API is that of OpenStack Compute, microversions {oldest} to {newest}. `<openapi.json>`_ describes the newest in
OpenAPI 3.1; a running cloud serves that of each microversion at ``/openapi.json?microversion={oldest}``, and needs no token
for it. Samples of requests and answers lie in ``tests/samples``.

How to ask
==========

``X-Auth-Token``
    the token of the caller, from Keystone
``OpenStack-API-Version: compute {newest}``
    the microversion to speak, or ``compute latest``; {oldest} if it is left out. ``X-OpenStack-Nova-API-Version`` is the
    header's old form. A version that is not spoken is answered 406, with the range; one that is none 400
``Idempotency-Key``
    see below

A path begins with ``/v2.1`` or with ``/v2.1/PROJECT_ID``, where the project must be that of the token. Under ``/v2`` lies
the older API without microversions: fields that it does not know are passed over rather than refused.

Who may call is said by a policy rule, which operators may override in ``policy.yaml`` or a file in ``policy.d``. Files
that change are read again within a second; one that cannot be read is complained of in the log, and the rules before it
hold. ``nova-policy policy check`` prints what a role may do.

Sending a request twice
=======================

A POST with an ``Idempotency-Key`` header (1 to 255 printable ASCII characters of the client's choice) is carried out
once. A key belongs to a user in a project, and to a path. Within a day of the first request

* the same request gets the first answer again, with ``Idempotency-Replayed: true``;
* another request (body, query or microversion differ) with the same key is answered 422;
* while the first is still carried out, the same is answered 409 with ``Retry-After``.

Refusals (4xx) by the call itself are answers like others. What is refused before the call begins (401, a rule of policy, a
field that is wrong) and failures of the cloud (5xx) are not kept: the same key may be sent again. Answers are kept in the
API database, and can be opened only by who knows the key.

The process that carries a request out may die before it has answered. It is taken for dead after two minutes; until then
the answer is 409. What a request with the same key gets after that depends on the call:

*repeatable* calls
    What they make and their answer are recorded in one transaction. Either both are there, and the answer is given; or
    neither is, and the request is carried out. Nothing is ever made twice. These are:

    {repeatable}
``POST /servers/{{server_id}}/...``
    An operation that was recorded by the first request is found, and not begun again: the answer is 202, or 409 if the
    call has an answer with a body, which was lost. If none was recorded the request is carried out. What a call asks of
    a neighbour before it records its operation may be asked twice: an image that ``createImage`` began may be left empty
all others
    Nothing tells whether the call was carried out, so it is not carried out again: the answer is 409. Look, and send it
    with a new key if it was not

A process that hung for longer than two minutes and wakes up cannot record servers any more: they belong to who took over.

Faults
======

The body of a fault has one key, which names its kind, for example
``{{"itemNotFound": {{"code": 404, "message": "..."}}}}``. Every answer has ``X-Openstack-Request-Id``, which the logs name.
"""


def load_samples() -> dict[str, Any]:
    """The published answers, by the names that routes call them."""
    return {str(path.relative_to(SAMPLES)): json.loads(path.read_text()) for path in sorted(SAMPLES.rglob('*.json'))}


def document() -> str:
    made = openapi.document(routes.collect(), MAX, load_samples())
    return json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False) + '\n'


def page() -> str:
    table = routes.collect()
    by_module = collections.defaultdict(list)
    for entry in table:
        by_module[entry.handler.__module__].append(entry)
    gone = by_module.pop(GONE, [])
    sections = [
        _section(name, by_module[name]) for name in sorted(by_module, key=lambda name: _first_path(by_module[name]))
    ]
    repeatable = '\n    '.join(f'* ``{name}``' for name in sorted({entry.name for entry in table if entry.repeatable}))
    opening = OPENING.format(oldest=MIN, newest=MAX, repeatable=repeatable)
    return '\n\n'.join(part.strip('\n') for part in (opening, *sections, _gone(gone)) if part) + '\n'


def _first_path(entries: Iterable[Route]) -> tuple[str, str]:
    return min((entry.path, entry.method) for entry in entries)


def _section(module: str, entries: list[Route]) -> str:
    text = (inspect.getdoc(importlib.import_module(module)) or '').split('\n\n')[0]
    title = module.removeprefix('nova.api.resources.').replace('.', ': ').replace('_', ' ').capitalize()
    parts = [f'{title}\n{"=" * len(title)}\n\n{_plain(text)}']
    by_call = collections.defaultdict(list)
    for entry in entries:
        by_call[entry.path, entry.method, entry.action or ''].append(entry)
    for _call, ranges in sorted(by_call.items()):
        parts += [_call_text(entry) for entry in sorted(ranges, key=lambda entry: entry.since)]
    return '\n\n'.join(parts)


def _call_text(entry: Route) -> str:
    title = entry.name
    lines = [title, '-' * len(title)]
    if text := inspect.getdoc(entry.handler):
        lines += ['', _plain(' '.join(text.split()))]
    facts = [
        f'Answers {entry.status}',
        _range(str(entry.since), None if entry.until == MAX else str(entry.until)),
        'repeatable' if entry.repeatable else '',
    ]
    lines += ['', f'{"; ".join(fact for fact in facts if fact)}.']
    if entry.policy:
        lines += ['', f'Policy: ``{entry.policy.name}``, by default ``{entry.policy.check}``.']
    if entry.body is not None:
        fields = [*entry.body.fields, *entry.body.beside]
        lines += _fields('Body' + (f', in ``{entry.body.wrapper}``' if entry.body.wrapper else ''), fields)
        if entry.body.inner is not None:
            lines += ['', f'Body: ``{entry.body.wrapper}`` is {_kind(entry.body.inner)}.']
    if entry.query is not None:
        lines += _fields('Query', entry.query.fields)
    return '\n'.join(lines)


def _fields(title: str, fields: Sequence[Field]) -> list[str]:
    lines = []
    for field in fields:
        notes = [_kind(field.schema), 'required' if field.required else '', 'may be repeated' if field.many else '']
        notes.append(_range(field.since, field.until))
        lines.append(f'* ``{field.name}``: {", ".join(note for note in notes if note)}')
    return ['', f'{title}:', '', *lines] if lines else []


def _range(since: str, until: str | None) -> str:
    if until is not None:
        return f'{since} to {until}' if since != str(MIN) else f'up to {until}'
    return f'since {since}' if since != str(MIN) else ''


def _kind(schema: dict[str, Any]) -> str:
    """What may stand there, in few words."""
    if 'enum' in schema:
        values = [str(value) for value in schema['enum']]
        if 'True' in values and 'False' in values:
            return 'true or false'
        return 'one of ' + ', '.join(f'``{value}``' for value in values if value)
    for key in ('oneOf', 'anyOf'):
        if key in schema:
            return ' or '.join(dict.fromkeys(_kind(choice) for choice in schema[key]))
    kinds = schema.get('type', 'anything')
    words = ' or '.join(kinds) if isinstance(kinds, list) else kinds
    if schema.get('format'):
        words += f' ({schema["format"]})'
    if 'maxLength' in schema and 'string' in words:
        words += f' of up to {schema["maxLength"]} characters'
    if words == 'array' and schema.get('items'):
        words = f'array of {_kind(schema["items"])}'
    return words


def _gone(entries: list[Route]) -> str:
    if not entries:
        return ''
    names = sorted({entry.name for entry in entries})
    return '\n'.join(
        ['Gone', '====', '', 'These calls of earlier releases are answered 410 at every microversion.', '']
        + [f'* ``{name}``' for name in names]
    )


def _plain(text: str) -> str:
    """Names in single quotes, as docstrings have them, in the way of this page."""
    return text.replace('``', '`').replace('`', '``')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    DOCUMENT.write_text(document())
    PAGE.write_text(page())
    return 0
