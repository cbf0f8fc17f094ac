"""The id of a host."""

import uuid

import pytest

from nova import errors
from nova.compute import node_id


def test_an_id_is_made_once(tmp_path):
    made = node_id.ensure(str(tmp_path / 'state'))
    assert str(uuid.UUID(made)) == made
    assert node_id.ensure(str(tmp_path / 'state')) == made
    assert [path.name for path in (tmp_path / 'state').iterdir()] == ['compute_id']


def test_an_id_may_be_given(tmp_path):
    given = str(uuid.uuid4())
    (tmp_path / 'compute_id').write_text(f'{given.upper()}\n')
    assert node_id.ensure(str(tmp_path)) == given


@pytest.mark.parametrize('text', ['', 'host-1'])
def test_what_is_no_id_is_refused(tmp_path, text):
    (tmp_path / 'compute_id').write_text(text)
    with pytest.raises(errors.HostFailed, match='should hold the id of this host'):
        node_id.ensure(str(tmp_path))
