import pytest

from nova import errors
from nova.api import schema
from nova.api.microversions import Version
from nova.api.schema import Body, Field, Query

THING = Body(
    'thing',
    Field('name', schema.NAME, required=True),
    Field('tag', schema.TAG, since='2.26'),
    Field('size', {'type': 'integer'}, until='2.36'),
    Field('size', {'type': 'string'}, since='2.37', required=True),
    beside=(Field('hints', {'type': 'object'}),),
    loose_until='2.3',
)
LIST = Query(Field('limit', schema.QUERY_NUMBER), Field('tags', schema.TAG, since='2.26', many=True), patterns=('^_',))


def check(body, data, version, relaxed=False):
    body.check(data, Version.parse(version), relaxed)


@pytest.mark.parametrize(
    ('version', 'fields'),
    [
        ('2.1', {'name': 'x', 'size': 1}),
        ('2.3', {'name': 'x', 'unknown': 1}),
        ('2.26', {'name': 'x', 'tag': 'y', 'size': 1}),
        ('2.36', {'name': 'x', 'size': 1}),
        ('2.37', {'name': 'x', 'size': '1'}),
    ],
)
def test_a_body_as_declared_passes(version, fields):
    check(THING, {'thing': fields}, version)
    check(THING, {'thing': fields, 'hints': {}}, version)


@pytest.mark.parametrize(
    ('version', 'fields', 'said'),
    [
        ('2.4', {'name': 'x', 'unknown': 1}, "'unknown' was unexpected"),
        ('2.25', {'name': 'x', 'tag': 'y'}, "'tag' was unexpected"),
        ('2.26', {'name': 'x', 'tag': ''}, 'field/attribute tag'),
        ('2.36', {'name': 'x', 'size': '1'}, 'field/attribute size'),
        ('2.37', {'name': 'x'}, "'size' is a required property"),
        ('2.37', {'name': 'x', 'size': 1}, 'field/attribute size'),
        ('2.1', {}, "'name' is a required property"),
        ('2.1', {'name': ' x'}, 'field/attribute name'),
        ('2.1', [], 'field/attribute thing'),
    ],
)
def test_a_body_otherwise_is_refused_and_the_field_named(version, fields, said):
    with pytest.raises(errors.Invalid, match=said):
        check(THING, {'thing': fields}, version)


@pytest.mark.parametrize('body', [None, [], 'x', 1, {}, {'thing': {'name': 'x'}, 'other': 1}])
def test_what_is_around_the_wrapper_is_checked(body):
    with pytest.raises(errors.Invalid):
        check(THING, body, '2.4')


def test_the_old_api_lets_unknown_fields_through_but_not_wrong_ones():
    check(THING, {'thing': {'name': 'x', 'unknown': 1}, 'more': 1}, '2.4', relaxed=True)
    with pytest.raises(errors.Invalid):
        check(THING, {'thing': {'name': 5, 'unknown': 1}}, '2.4', relaxed=True)


def test_a_schema_is_compiled_once_for_versions_between_which_nothing_changes():
    first = THING._checks.at(Version(2, 26), False)
    assert THING._checks.at(Version(2, 36), False) is first
    assert THING._checks.at(Version(2, 37), False) is not first


@pytest.mark.parametrize(
    ('inner', 'value'),
    [
        ({'type': 'string', 'pattern': '^a$'}, 'b'),
        ({'type': 'object', 'patternProperties': {'^a$': {}}, 'additionalProperties': False}, {'b': 1}),
    ],
)
def test_a_pattern_is_named_as_it_was_declared(inner, value):
    with pytest.raises(errors.Invalid) as refusal:
        check(Body('thing', inner=inner), {'thing': value}, '2.1')
    assert str(refusal.value).endswith("'^a$'")


def test_a_refusal_says_what_a_name_looks_like():
    with pytest.raises(errors.Invalid) as refusal:
        check(THING, {'thing': {'name': ' x'}}, '2.1')
    assert str(refusal.value).endswith(
        'It must be of printable characters, and must not begin or end with white space.'
    )


def test_secrets_and_long_values_are_not_repeated_in_the_refusal():
    body = Body('x', Field('adminPass', {'type': 'string', 'maxLength': 3}), Field('y', {'type': 'integer'}))
    with pytest.raises(errors.Invalid) as refusal:
        check(body, {'x': {'adminPass': 'hunter2'}}, '2.1')
    assert 'hunter2' not in str(refusal.value)
    with pytest.raises(errors.Invalid) as refusal:
        check(body, {'x': {'y': 'z' * 100_000}}, '2.1')
    assert len(str(refusal.value)) < 1000


@pytest.mark.parametrize(
    ('params', 'version', 'kept'),
    [
        ({'limit': ['5']}, '2.1', {'limit': ['5']}),
        ({'limit': ['5'], 'x': ['1']}, '2.74', {'limit': ['5']}),
        ({'tags': ['a', 'b']}, '2.26', {'tags': ['a', 'b']}),
        ({'tags': ['a']}, '2.25', {}),
        ({'_x': ['1']}, '2.93', {'_x': ['1']}),
    ],
)
def test_known_parameters_are_kept(params, version, kept):
    assert LIST.check(params, Version.parse(version)) == kept


@pytest.mark.parametrize(
    ('params', 'version'),
    [
        ({'limit': ['x']}, '2.1'),
        ({'limit': ['1', '2']}, '2.1'),
        ({'x': ['1']}, '2.75'),
        ({'tags': ['a'] * 101}, '2.26'),
    ],
)
def test_wrong_parameters_are_refused(params, version):
    with pytest.raises(errors.Invalid):
        LIST.check(params, Version.parse(version))


@pytest.mark.parametrize(
    ('kind', 'good', 'bad'),
    [
        (schema.UUID, ['70a599e0-31e7-49b7-b260-868f441e862b', '70A599E031E749B7B260868F441E862B'], ['x', '', '1-2']),
        ({'format': 'base64'}, ['', 'aGVsbG8=', 'aGVs\nbG8='], ['a', 'ä===', 'aGVsbG8']),
        ({'format': 'ipv4'}, ['10.0.0.1'], ['10.0.0', '10.0.0.256', '::1']),
        ({'format': 'ipv6'}, ['::1', 'fe80::1'], ['10.0.0.1', 'x::']),
        ({'format': 'date-time'}, ['2026-01-02', '2026-01-02T03:04:05Z', '2026-01-02T03:04:05.6+01:00'], ['now', '']),
        ({'format': 'regex'}, ['^a.*$'], ['(', '*']),
        (schema.NAME, ['x', 'größe 1', '名前'], ['', ' ', ' x', 'x ', 'a\x00b', 'a\nb', 'x' * 256]),
        (schema.LOOSE_NAME, [' x '], ['', '   ', 'a\x7f']),
        (schema.DESCRIPTION, [None, '', 'two\nlines'], ['a\x00', 'x' * 256]),
        (schema.TAG, ['a b', 'ü'], ['', 'a/b', 'a,b', 'x' * 61]),
        (schema.BOOLEAN, [True, False, 'true', 'No'], [1, 0, None, 'maybe']),
        (schema.METADATA, [{}, {'a b:.-_': 'x'}], [{'a/b': 'x'}, {'a': 1}, {'a': 'x' * 256}, {'a\n': 'x'}, []]),
        (schema.integer(1, 5), [1, 5, '3'], [0, 6, 'x', 1.5, None]),
        (schema.QUERY_NUMBER, ['0', '10'], ['', '-1', '1\n', '12345678901']),
    ],
)
def test_kinds(kind, good, bad):
    body = Body(None, Field('x', kind))
    for value in good:
        check(body, {'x': value}, '2.1')
    for value in bad:
        with pytest.raises(errors.Invalid):
            check(body, {'x': value}, '2.1')


@pytest.mark.parametrize('value', ['0', '6', '-1'])
def test_a_number_that_came_as_text_is_held_to_its_bounds_when_read(value):
    with pytest.raises(errors.Invalid, match='between 1 and 5'):
        schema.whole(value, 'x', 1, 5)


@pytest.mark.parametrize(
    ('value', 'meant'), [(True, True), ('YES', True), ('on', True), ('0', False), ('off', False), (None, False)]
)
def test_truth(value, meant):
    assert schema.truth(value) is meant


def test_what_was_let_through_does_not_reach_handlers():
    inner = {'type': 'object', 'properties': {'a': schema.NAME}, 'additionalProperties': False}
    body = Body(
        'thing',
        Field('items', {'type': 'array', 'items': inner}),
        Field('metadata', schema.METADATA),
        Field('later', schema.STRING, since='2.2'),
    )
    said = {'thing': {'items': [{'a': ' x ', 'b': 1}], 'metadata': {'k': 'v'}, 'later': 5}, 'beside': 1}
    version = Version.parse('2.1')
    body.check(said, version, relaxed=True)
    assert body.known(said, version) == {'thing': {'items': [{'a': 'x'}], 'metadata': {'k': 'v'}}}
    with pytest.raises(errors.Invalid):
        body.check({'thing': {'metadata': {'k' * 256: 'v'}}}, version, relaxed=True)
