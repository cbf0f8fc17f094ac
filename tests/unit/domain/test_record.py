"""Values become plain data and come back the same."""

import dataclasses
import datetime
import enum
import json

import pytest

from nova.domain import record


class Colour(enum.Enum):
    RED = 'red'


@dataclasses.dataclass(frozen=True)
class Part:
    name: str
    colour: Colour | None = None


@dataclasses.dataclass(frozen=True)
class Whole:
    number: int
    parts: tuple[Part, ...] = ()
    by_name: dict[str, Part] = dataclasses.field(default_factory=dict)
    at: datetime.datetime | None = None
    pairs: tuple[tuple[str, ...], ...] = ()
    secret: str | None = dataclasses.field(default=None, metadata={'private': True})


WHOLES = [
    Whole(1),
    Whole(2, parts=(Part('a', Colour.RED), Part('ü'))),
    Whole(3, by_name={'b': Part('b')}, at=datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)),
    Whole(4, pairs=(('x', 'y'), ())),
]


@pytest.mark.parametrize('whole', WHOLES)
def test_a_value_survives_json(whole):
    assert record.load(Whole, json.loads(json.dumps(record.dump(whole)))) == whole


def test_defaults_are_left_out():
    assert record.dump(Part('a')) == {'name': 'a'}


def test_private_fields_stay_here():
    assert 'secret' not in record.dump(Whole(1, secret='s'))


def test_fields_of_a_newer_sender_are_ignored():
    assert record.load(Part, {'name': 'a', 'weight': 3}) == Part('a')


def test_what_has_no_plain_form_is_refused():
    with pytest.raises(TypeError, match='has no plain form'):
        record.dump(object())
