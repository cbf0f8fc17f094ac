import pytest
from oslo_config import cfg
from oslo_policy import opts

from nova import errors
from nova.api.policy import Policies, Rule, admin, own_user, project_manager, project_member, project_reader, service
from nova.context import Context

RULES = [
    project_reader('read'),
    project_member('write'),
    project_manager('manage'),
    admin('rule-all'),
    service('serve'),
    own_user('own'),
]


def a_context(*roles, **fields):
    return Context(**{'user_id': 'alice', 'project_id': 'demo', 'roles': roles} | fields)


@pytest.fixture
def conf(tmp_path):
    made = cfg.ConfigOpts()
    made(['--config-dir', str(tmp_path)], default_config_files=[])
    opts.set_defaults(made)
    return made


@pytest.mark.parametrize(
    ('roles', 'allowed'),
    [
        ((), set()),
        (('reader',), {'read'}),
        (('member', 'reader'), {'read', 'write'}),
        (('manager', 'member', 'reader'), {'read', 'write', 'manage'}),
        (('service',), {'serve'}),
        (('admin',), {'read', 'write', 'manage', 'rule-all', 'serve', 'own'}),
    ],
)
def test_personas(conf, roles, allowed):
    policies = Policies(conf, RULES)
    may = {rule.name for rule in RULES if policies.allows(rule, a_context(*roles), user_id='bob')}
    assert may == allowed


def test_a_rule_is_asked_about_the_owner_of_the_thing(conf):
    policies = Policies(conf, RULES)
    member = a_context('member', 'reader')
    assert policies.allows('write', member)
    assert not policies.allows('write', member, project_id='other')
    assert policies.allows('own', member)
    assert not policies.allows('own', member, user_id='bob')
    with pytest.raises(errors.Forbidden, match="Policy doesn't allow write to be performed."):
        policies.require('write', member, project_id='other')


def test_a_system_token_is_out_of_scope(conf):
    assert not Policies(conf, RULES).allows('read', a_context('admin', project_id=None, system_scope='all'))


def test_the_policy_file_overrides_and_is_read_again(conf, tmp_path):
    clock = [0.0]
    policies = Policies(conf, RULES, clock=lambda: clock[0])
    reader = a_context('reader')
    assert not policies.allows('write', reader)
    path = tmp_path / 'policy.yaml'
    path.write_text('"write": "role:reader"\n')
    conf.set_override('policy_file', str(path), group='oslo_policy')
    clock[0] += 2
    assert policies.allows('write', reader)


def test_answers_are_remembered_for_a_moment_and_for_one_caller_only(conf):
    clock = [0.0]
    policies = Policies(conf, RULES, clock=lambda: clock[0])
    asked = []
    ask = policies._ask

    def counted(*arguments):
        asked.append(arguments)
        return ask(*arguments)

    policies._ask = counted
    for _ in range(3):
        policies.allows('read', a_context('reader'))
    assert len(asked) == 1
    policies.allows('read', a_context())
    assert len(asked) == 2
    clock[0] += 2
    policies.allows('read', a_context('reader'))
    assert len(asked) == 3


def test_rules_are_values():
    assert project_reader('x') == Rule('x', 'rule:project_reader_or_admin')


@pytest.fixture
def files(conf, tmp_path):
    """Policies on a file that a test may write to, and a way to let a second pass."""
    clock = [0.0]
    path = tmp_path / 'policy.yaml'
    path.write_text('"write": "role:reader"\n')
    conf.set_override('policy_dirs', [str(tmp_path / 'policy.d')], group='oslo_policy')
    (tmp_path / 'policy.d').mkdir()
    conf.set_override('policy_file', str(path), group='oslo_policy')
    policies = Policies(conf, RULES, clock=lambda: clock[0])

    def look_again():
        clock[0] += 2

    return policies, path, look_again


@pytest.mark.parametrize('wrong', ['"write": "role:rea', '- write', '"write": {"role": "x"}', '\t:', '"a": "@"\x00'])
def test_a_file_that_cannot_be_read_is_said_and_the_rules_before_it_hold(files, wrong, caplog):
    policies, path, look_again = files
    assert policies.allows('write', a_context('reader'))
    path.write_text(wrong)
    for _ in range(3):
        look_again()
        assert policies.allows('write', a_context('reader'))
    assert len([record for record in caplog.records if str(path) in record.message]) == 1
    path.write_text('"write": "role:nobody-has-it"\n')
    look_again()
    assert not policies.allows('write', a_context('reader'))


def test_a_directory_overrides_the_file_in_the_order_of_names(files):
    policies, path, look_again = files
    (path.parent / 'policy.d' / '20.yaml').write_text('"write": "role:second"\n')
    (path.parent / 'policy.d' / '10.yaml').write_text('"write": "role:first"\n"read": "!"\n')
    look_again()
    assert policies.allows('write', a_context('second'))
    assert not policies.allows('write', a_context('first'))
    assert not policies.allows('read', a_context('admin'))
    (path.parent / 'policy.d' / '20.yaml').unlink()
    look_again()
    assert policies.allows('write', a_context('first'))


def test_a_broken_file_in_the_directory_changes_nothing(files):
    policies, path, look_again = files
    (path.parent / 'policy.d' / '10.yaml').write_text('"read": "!"\n')
    (path.parent / 'policy.d' / '20.yaml').write_text('"read": [')
    look_again()
    assert policies.allows('read', a_context('reader'))


def test_json_is_read_as_well(files):
    policies, path, look_again = files
    path.write_text('{"write": "role:json"}')
    look_again()
    assert policies.allows('write', a_context('json'))


def test_rules_that_guard_nothing_are_named_once(files, caplog):
    policies, path, look_again = files
    path.write_text('"wriet": "@"\n')
    look_again()
    policies.allows('write', a_context())
    policies.allows('write', a_context())
    assert caplog.text.count('wriet') == 1


def test_nobody_is_served_by_rules_that_were_never_read(conf, tmp_path):
    conf.set_override('policy_file', str(tmp_path / 'policy.yaml'), group='oslo_policy')
    (tmp_path / 'policy.yaml').write_text('{')
    with pytest.raises(errors.Invalid, match='policy.yaml cannot be read'):
        Policies(conf, RULES)
