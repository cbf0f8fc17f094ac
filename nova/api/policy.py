"""Who may do what: rules are declared beside the routes they guard, and enforced here."""

import contextlib
import dataclasses
import functools
import logging
import os
import threading
import time
from collections.abc import Iterable
from typing import Any

import yaml
from oslo_policy import opts, policy

from nova import errors
from nova.context import Context

LOG = logging.getLogger(__name__)

SCOPE_TYPES = ('project',)


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule that operators can override by its name, and the check that holds if they do not."""

    name: str
    check: str
    description: str = ''


def any_authenticated(name: str, description: str = '') -> Rule:
    return Rule(name, '@', description)


def nobody(name: str, description: str = '') -> Rule:
    return Rule(name, '!', description)


def project_reader(name: str, description: str = '') -> Rule:
    return Rule(name, 'rule:project_reader_or_admin', description)


def project_member(name: str, description: str = '') -> Rule:
    return Rule(name, 'rule:project_member_or_admin', description)


def project_manager(name: str, description: str = '') -> Rule:
    return Rule(name, 'rule:project_manager_or_admin', description)


def admin(name: str, description: str = '') -> Rule:
    return Rule(name, 'rule:context_is_admin', description)


def service(name: str, description: str = '') -> Rule:
    return Rule(name, 'rule:service_or_admin', description)


def own_user(name: str, description: str = '') -> Rule:
    return Rule(name, '(rule:context_is_admin) or user_id:%(user_id)s', description)


# What the other rules are made of.
PERSONAS = (
    Rule('context_is_admin', 'role:admin', 'Who counts as an administrator.'),
    Rule('admin_or_owner', 'is_admin:True or project_id:%(project_id)s', 'Kept for policy files that refer to it.'),
    Rule('admin_api', 'is_admin:True', 'Kept for policy files that refer to it.'),
    Rule('project_reader_api', 'role:reader and project_id:%(project_id)s', 'Who may read in a project.'),
    Rule('project_reader_or_admin', 'rule:project_reader_api or rule:context_is_admin', 'Readers and administrators.'),
    Rule('project_member_api', 'role:member and project_id:%(project_id)s', 'Who may change things in a project.'),
    Rule('project_member_or_admin', 'rule:project_member_api or rule:context_is_admin', 'Members and administrators.'),
    Rule('project_manager_api', 'role:manager and project_id:%(project_id)s', 'Who may manage a project.'),
    Rule('project_manager_or_admin', 'rule:project_manager_api or rule:context_is_admin', 'Managers, administrators.'),
    Rule('service_api', 'role:service', 'Other services of the cloud.'),
    Rule('service_or_admin', 'rule:service_api or rule:context_is_admin', 'Other services and administrators.'),
)


class Policies:
    """Enforces the rules. The policy files are looked at again once a second; answers are remembered until then.

    Files that cannot be read are refused at the start. Later they are complained of, and the rules before them hold.
    """

    REMEMBERED_FOR = 1.0
    REMEMBERED = 4096

    def __init__(self, conf: Any, rules: Iterable[Rule], clock: Any = time.monotonic):
        # oslo.policy declares its options when it is first used with them.
        opts.set_defaults(conf)
        self._conf, self._defaults = conf, _defaults(tuple(rules))
        self._clock = clock
        self._answers: dict[tuple[Any, ...], bool] = {}
        self._forget_at = 0.0
        self._lock = threading.Lock()
        self._files, self._enforcer = self._seen(), self._load()

    def allows(self, rule: Rule | str, context: Context, **target: str | None) -> bool:
        """Whether the caller may, on a thing of `project_id` and `user_id`: the caller's own unless said."""
        name = rule if isinstance(rule, str) else rule.name
        target = {'project_id': context.project_id, 'user_id': context.user_id} | target
        key = (name, *target.items(), *_who(context))
        if self._clock() >= self._forget_at:
            self._refresh()
        answer = self._answers.get(key)
        if answer is None:
            answer = self._ask(name, target, context)
            with self._lock:
                if len(self._answers) >= self.REMEMBERED:
                    self._answers.clear()
                self._answers[key] = answer
        return answer

    def require(self, rule: Rule | str, context: Context, **target: str | None) -> None:
        """Raise Forbidden, naming the rule, unless `allows`."""
        if not self.allows(rule, context, **target):
            name = rule if isinstance(rule, str) else rule.name
            raise errors.Forbidden(f"Policy doesn't allow {name} to be performed.")

    def is_admin(self, context: Context) -> bool:
        return self.allows('context_is_admin', context)

    def _ask(self, name: str, target: dict[str, Any], context: Context) -> bool:
        try:
            return bool(self._enforcer.authorize(name, target, _credentials(context)))
        except policy.InvalidScope:
            return False

    def _refresh(self) -> None:
        """Take up the files if they have changed since they were last looked at."""
        with self._lock:
            if self._clock() < self._forget_at:
                return
            self._answers = {}
            self._forget_at = self._clock() + self.REMEMBERED_FOR
            if (seen := self._seen()) == self._files:
                return
            self._files = seen
        try:
            enforcer = self._load()
        except errors.Invalid as failure:
            LOG.error('%s The rules read before it still hold.', failure)
            return
        with self._lock:
            self._enforcer, self._answers = enforcer, {}
        LOG.info('The policy files have changed and were read again.')

    def _load(self) -> policy.Enforcer:
        """An enforcer of the files as they are now; it looks at them no more. Raises Invalid."""
        refuse_unreadable(policy_files(self._conf))
        enforcer = policy.Enforcer(self._conf)
        enforcer.register_defaults(self._defaults)
        enforcer.load_rules()
        enforcer.use_conf = False
        unknown = sorted(enforcer.file_rules.keys() - enforcer.registered_rules.keys())
        if unknown:
            LOG.warning('The policy files have rules that guard nothing by themselves: %s.', ', '.join(unknown))
        return enforcer

    def _seen(self) -> tuple[Any, ...]:
        """What changes when the files do."""
        found = []
        for path in policy_files(self._conf):
            with contextlib.suppress(OSError):
                about = os.stat(path)
                found.append((path, about.st_mtime_ns, about.st_size, about.st_ino))
        return tuple(found)


def policy_files(conf: Any) -> list[str]:
    """The policy file and those of the policy directories, in the order in which they are read."""
    settings = conf.oslo_policy
    main = conf.find_file(settings.policy_file)
    found = [main] if main else []
    for name in settings.policy_dirs:
        directory = conf.find_file(name)
        if directory and os.path.isdir(directory):
            names = sorted(entry.name for entry in os.scandir(directory) if entry.is_file())
            found += [os.path.join(directory, name) for name in names if not name.startswith('.')]
    return found


def refuse_unreadable(paths: Iterable[str]) -> None:
    """Raise Invalid, with the file's name and place in it, unless each file maps names of rules to checks."""
    for path in paths:
        try:
            with open(path, encoding='utf-8') as file:
                content = yaml.safe_load(file.read())
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as failure:
            raise errors.Invalid(f'Policy file {path} cannot be read: {_one_line(failure)}.')
        if content is None:
            continue
        if not isinstance(content, dict):
            raise errors.Invalid(f'Policy file {path} must map names of rules to checks.')
        wrong = [
            name for name, check in content.items() if not isinstance(name, str) or not isinstance(check, str | list)
        ]
        if wrong:
            raise errors.Invalid(f'Policy file {path}: the check of rule {wrong[0]} must be text.')


def _one_line(failure: Exception) -> str:
    return ' '.join(str(failure).replace('in "<unicode string>", ', 'in ').split())


@functools.cache
def _defaults(rules: tuple[Rule, ...]) -> list[policy.RuleDefault]:
    """What oslo.policy parses once, and copies for each enforcer."""
    return [policy.RuleDefault(rule.name, rule.check) for rule in PERSONAS] + [
        policy.RuleDefault(rule.name, rule.check, scope_types=list(SCOPE_TYPES)) for rule in rules
    ]


def _who(context: Context) -> tuple[Any, ...]:
    return (
        context.user_id,
        context.project_id,
        context.roles,
        context.is_admin,
        context.service_roles,
        context.system_scope,
        context.user_domain_id,
        context.project_domain_id,
    )


def _credentials(context: Context) -> dict[str, Any]:
    return {
        'user_id': context.user_id,
        'project_id': context.project_id,
        'tenant': context.project_id,
        'roles': list(context.roles),
        'is_admin': context.is_admin,
        'service_roles': list(context.service_roles),
        'system_scope': context.system_scope,
        'system': context.system_scope,
        'user_domain_id': context.user_domain_id,
        'project_domain_id': context.project_domain_id,
    }
