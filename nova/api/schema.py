"""Declare what a request may say, field by field with its versions, and check requests against it."""

import base64
import binascii
import bisect
import dataclasses
import datetime
import ipaddress
import re
import threading
import unicodedata
import uuid
from collections.abc import Iterable
from typing import Any

import jsonschema

from nova import errors
from nova.api.microversions import MIN, Version

_SHOWN_LENGTH = 256
_SECRET_FIELDS = frozenset({'adminPass', 'admin_pass', 'user_data', 'private_key'})


@dataclasses.dataclass(frozen=True)
class Field:
    """One field of a body, or one query parameter. A field whose rules changed is declared once for each range.

    `many` is for query parameters that may be repeated.
    """

    name: str
    schema: dict[str, Any]
    since: str = '2.1'
    until: str | None = None
    required: bool = False
    many: bool = False

    def at(self, version: Version) -> bool:
        return Version.parse(self.since) <= version and (self.until is None or version <= Version.parse(self.until))


class Body:
    """What a JSON body may hold.

    `wrapper` is the key around the fields, None when they lie at the top. `beside` are fields next to the wrapper.
    `inner` replaces the fields by one schema for the wrapped value. `least` fields must be there.
    Up to `loose_until`, unknown fields are let through.
    """

    def __init__(
        self,
        wrapper: str | None,
        *fields: Field,
        beside: Iterable[Field] = (),
        inner: dict[str, Any] | None = None,
        loose_until: str | None = None,
        least: int = 0,
    ):
        self.wrapper, self.fields, self.beside = wrapper, fields, tuple(beside)
        self.inner, self.loose_until, self.least = inner, loose_until, least
        self._checks = _Checks(self.at, (*fields, *self.beside), loose_until)

    def at(self, version: Version | str) -> dict[str, Any]:
        """The JSON Schema of that day."""
        version = _version(version)
        loose = _loose(self.loose_until, version)
        inner = _object(self.fields, version, loose, self.least) if self.inner is None else self.inner
        if self.wrapper is None:
            return inner
        outer = _object(self.beside, version, loose)
        outer['properties'][self.wrapper] = inner
        outer['required'].append(self.wrapper)
        return outer

    def check(self, data: Any, version: Version, relaxed: bool = False) -> None:
        """Raise Invalid, naming the field, unless `data` is as declared. `relaxed` lets unknown fields through."""
        _refuse_first(self._checks.at(version, relaxed), data)

    def known(self, data: Any, version: Version) -> Any:
        """What of `data`, which was checked relaxed, is declared. What was let through is not meant for handlers."""
        return _known(self.at(version), data)


class Query:
    """What a query string may hold. Unknown parameters are dropped up to `loose_until`, and refused later.

    `patterns` are regular expressions of further names that are let through.
    """

    def __init__(self, *fields: Field, loose_until: str | None = '2.74', patterns: Iterable[str] = ()):
        self.fields, self.loose_until, self.patterns = fields, loose_until, tuple(patterns)
        self._checks = _Checks(self.at, fields, loose_until)

    def at(self, version: Version | str) -> dict[str, Any]:
        version = _version(version)
        schema = _object(self.fields, version, _loose(self.loose_until, version), many=True)
        if self.patterns:
            schema['patternProperties'] = {pattern: {'type': 'array'} for pattern in self.patterns}
        return schema

    def check(self, params: dict[str, list[str]], version: Version, relaxed: bool = False) -> dict[str, list[str]]:
        """The parameters that are known at `version`; raises Invalid for one that is wrong or not known."""
        _refuse_first(self._checks.at(version, relaxed), params)
        known = {field.name for field in self.fields if field.at(version)}
        return {
            name: values
            for name, values in params.items()
            if name in known or any(re.search(pattern, name) for pattern in self.patterns)
        }


class _Checks:
    """Compiled validators, one for each range of versions between which nothing changes."""

    def __init__(self, schema_at: Any, fields: Iterable[Field], loose_until: str | None):
        self._schema_at = schema_at
        boundaries = {MIN}
        for field in fields:
            boundaries.add(Version.parse(field.since))
            if field.until:
                boundaries.add(_after(field.until))
        if loose_until:
            boundaries.add(_after(loose_until))
        self._boundaries = sorted(boundaries)
        self._compiled: dict[tuple[int, bool], Any] = {}
        self._lock = threading.Lock()

    def at(self, version: Version, relaxed: bool) -> Any:
        key = (bisect.bisect_right(self._boundaries, version), relaxed)
        if key not in self._compiled:
            schema = self._schema_at(version)
            with self._lock:
                self._compiled[key] = _validator(_relax(schema) if relaxed else schema)
        return self._compiled[key]


def _object(
    fields: Iterable[Field], version: Version, loose: bool, least: int = 0, many: bool = False
) -> dict[str, Any]:
    here = [field for field in fields if field.at(version)]
    schema = {
        'type': 'object',
        'additionalProperties': loose,
        'properties': {field.name: _repeated(field) if many else field.schema for field in here},
        'required': [field.name for field in here if field.required],
    }
    if least:
        schema['minProperties'] = least
    return schema


def _repeated(field: Field) -> dict[str, Any]:
    return {'type': 'array', 'items': field.schema, 'maxItems': 100 if field.many else 1}


def _relax(schema: Any) -> Any:
    """Lets unknown fields through, and white space around names. Keys that users choose are as bounded as ever."""
    if isinstance(schema, list):
        return [_relax(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    relaxed = {key: _relax(value) for key, value in schema.items()}
    if schema.get('additionalProperties') is False and 'patternProperties' not in schema:
        relaxed['additionalProperties'] = True
    if schema.get('format') == 'name':
        relaxed['format'] = 'loose-name'
    return relaxed


def _known(schema: dict[str, Any], data: Any) -> Any:
    if isinstance(data, dict) and 'properties' in schema and 'patternProperties' not in schema:
        declared = schema['properties']
        open_to_all = schema.get('additionalProperties', True) is not False
        return {
            key: _known(declared.get(key, {}), value) for key, value in data.items() if key in declared or open_to_all
        }
    if isinstance(data, list) and 'items' in schema:
        return [_known(schema['items'], item) for item in data]
    return data.strip() if isinstance(data, str) and schema.get('format') == 'name' else data


def _loose(loose_until: str | None, version: Version) -> bool:
    return loose_until is not None and version <= Version.parse(loose_until)


def _version(version: Version | str) -> Version:
    return Version.parse(version) if isinstance(version, str) else version


def _after(text: str) -> Version:
    version = Version.parse(text)
    return version._replace(minor=version.minor + 1)


FORMATS = jsonschema.FormatChecker(formats=())


def _format(name: str, *raises: type[Exception]) -> Any:
    return FORMATS.checks(name, raises=raises or ())


@_format('uuid', ValueError)
def _is_uuid(value: Any) -> bool:
    return not isinstance(value, str) or uuid.UUID(value).hex == value.replace('-', '').lower()


@_format('base64', ValueError, binascii.Error)
def _is_base64(value: Any) -> bool:
    if isinstance(value, str):
        base64.b64decode(''.join(value.split()), validate=True)
    return True


@_format('ipv4', ValueError)
def _is_ipv4(value: Any) -> bool:
    return not isinstance(value, str) or bool(ipaddress.IPv4Address(value))


@_format('ipv6', ValueError)
def _is_ipv6(value: Any) -> bool:
    return not isinstance(value, str) or bool(ipaddress.IPv6Address(value))


@_format('date-time')
def _is_date_time(value: Any) -> bool:
    return not isinstance(value, str) or parse_time(value) is not None


@_format('regex', re.error)
def _is_regex(value: Any) -> bool:
    return not isinstance(value, str) or bool(re.compile(value))


@_format('name')
def _is_name(value: Any) -> bool:
    """Printable, and neither begins nor ends in white space."""
    return not isinstance(value, str) or (value == value.strip() and value != '' and _printable(value))


@_format('loose-name')
def _is_loose_name(value: Any) -> bool:
    """Printable, and more than white space."""
    return not isinstance(value, str) or (value.strip() != '' and _printable(value))


@_format('text')
def _is_text(value: Any) -> bool:
    """Printable or white space of more than one line."""
    return not isinstance(value, str) or _printable(re.sub(r'[\r\n\t]', '', value))


def parse_time(text: str) -> datetime.datetime | None:
    """The moment, in UTC, that an ISO 8601 text names; None if it is none."""
    try:
        moment = datetime.datetime.fromisoformat(text.strip().replace(' ', '+') if ' ' in text[19:] else text.strip())
        return moment.astimezone(datetime.UTC) if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    except (ValueError, OverflowError):
        return None


def _printable(value: str) -> bool:
    return not any(unicodedata.category(character) in ('Cc', 'Cs', 'Cn', 'Zl', 'Zp') for character in value)


def _validator(schema: dict[str, Any]) -> Any:
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(_exact(schema), format_checker=FORMATS)


def _exact(schema: Any) -> Any:
    """The same schema for Python, whose `$` also matches before a last line break, unlike JSON Schema's."""
    if isinstance(schema, list):
        return [_exact(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    exact = {key: _exact(value) for key, value in schema.items()}
    if isinstance(exact.get('pattern'), str):
        exact['pattern'] = _to_the_end(exact['pattern'])
    if 'patternProperties' in exact:
        exact['patternProperties'] = {_to_the_end(key): value for key, value in exact['patternProperties'].items()}
    return exact


def _to_the_end(pattern: str) -> str:
    return f'{pattern[:-1]}\\Z' if pattern.endswith('$') else pattern


def _refuse_first(validator: Any, data: Any) -> None:
    if validator.is_valid(data):
        return
    error = jsonschema.exceptions.best_match(validator.iter_errors(data))
    path = [part for part in error.absolute_path if isinstance(part, str)]
    # Patterns as they are declared, not as Python reads them (`_exact`).
    why = _shortened(error.message.replace("\\\\Z'", "$'"))
    if error.validator == 'format':
        why += _WANTED.get(error.validator_value, '')
    if not path or error.validator == 'additionalProperties':
        raise errors.Invalid(why)
    name = path[-1]
    if name in _SECRET_FIELDS:
        raise errors.Invalid(f'Invalid input for field/attribute {name}.')
    shown = _shortened(str(error.instance))
    raise errors.Invalid(f'Invalid input for field/attribute {name}. Value: {shown}. {why}')


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_LENGTH else f'{text[:_SHOWN_LENGTH]}...'


# What the error of jsonschema does not say of our formats.
_WANTED = {
    'name': '. It must be of printable characters, and must not begin or end with white space.',
    'loose-name': '. It must be of printable characters, and of more than white space.',
    'text': '. It must be of printable characters.',
}

# Kinds of values that many resources use.
NAME = {'type': 'string', 'minLength': 1, 'maxLength': 255, 'format': 'name'}
LOOSE_NAME = {'type': 'string', 'minLength': 1, 'maxLength': 255, 'format': 'loose-name'}
DESCRIPTION = {'type': ['string', 'null'], 'maxLength': 255, 'format': 'text'}
UUID = {'type': 'string', 'format': 'uuid'}
UUID_OR_NULL = {'type': ['string', 'null'], 'format': 'uuid'}
STRING = {'type': 'string', 'maxLength': 255}
NULL = {'type': 'null'}
ANYTHING: dict[str, Any] = {}
BOOLEAN = {
    'type': ['boolean', 'string'],
    'enum': [True, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes', 'y', 't']
    + [False, 'False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no', 'n', 'f'],
}
_TRUE = frozenset({'true', '1', 'on', 'yes', 'y', 't'})
PROJECT_ID = {'type': 'string', 'minLength': 1, 'maxLength': 255, 'pattern': '^[a-zA-Z0-9-]*$'}
USER_ID = PROJECT_ID
HOST_NAME = {'type': 'string', 'minLength': 1, 'maxLength': 255, 'pattern': r'^[a-zA-Z0-9-._]*$'}
METADATA_KEY = '^[a-zA-Z0-9-_:. ]{1,255}$'
METADATA = {
    'type': 'object',
    'patternProperties': {METADATA_KEY: {'type': 'string', 'maxLength': 255}},
    'additionalProperties': False,
    'maxProperties': 1024,
}
TAG = {'type': 'string', 'minLength': 1, 'maxLength': 60, 'pattern': '^[^,/]*$'}
# Numbers in a query string; bounded as the database's integers are.
QUERY_NUMBER = {'type': 'string', 'pattern': '^[0-9]{1,10}$'}
QUERY_TEXT = {'type': 'string', 'maxLength': 4096, 'pattern': '^[^\\x00]*$'}


def integer(least: int = 0, most: int = 2147483647) -> dict[str, Any]:
    """A number in a body, which old clients may write as a string."""
    return {'type': ['integer', 'string'], 'pattern': '^-?[0-9]{1,19}$', 'minimum': least, 'maximum': most}


def whole(value: Any, name: str, least: int = 0, most: int = 2147483647) -> int:
    """The number that an `integer` field holds, within its bounds though it came as a string."""
    number = int(value)
    if not least <= number <= most:
        raise errors.Invalid(
            f'Invalid input for field/attribute {name}. Value: {number}. It must lie between {least} and {most}.'
        )
    return number


def truth(value: Any, default: bool = False) -> bool:
    """The truth that a `BOOLEAN` field, or a query parameter, holds."""
    if value is None:
        return default
    return value if isinstance(value, bool) else str(value).strip().lower() in _TRUE
