"""What is gone is 410 at every microversion, says what to do instead, and is asked of nobody behind the API."""

import re

import pytest
from oslo_config import cfg

from nova.api import app, routes
from nova.api.resources import gone
from nova.api.services import Services
from nova.db.database import Statements
from tests.fakes.identity import FakeIdentity
from tests.functional.client import Api


class Nothing:
    statements = Statements()


TABLE = routes.collect([gone])


@pytest.fixture(scope='module')
def application():
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[])
    return app.build_with(Services(Nothing(), flavors=Nothing()), None, FakeIdentity().wrap, conf)


@pytest.mark.parametrize('entry', TABLE, ids=lambda entry: entry.name)
@pytest.mark.parametrize('version', ['2.1', '2.96'])
def test_a_call_that_is_gone_says_what_to_do_instead(application, entry, version):
    path = re.sub(r'\{\w+\}', '1', entry.path)
    body = {entry.action: None} if entry.action else None
    for token in ('admin', 'roleless'):
        status, sentence = Api(application, token).fault(entry.method, path, body, version)
        assert status == 410
        assert sentence in gone.SENTENCES.values()
        assert sentence.endswith('.')


def test_each_sentence_is_of_use():
    words = {word for entry in TABLE for word in entry.path.split('/')}
    assert set(gone.SENTENCES) <= words
