"""Who may do what: rules are declared beside the routes they guard, and enforced here."""

import dataclasses
import threading
import time
from collections.abc import Iterable
from typing import Any

from oslo_policy import policy

from nova import errors
from nova.context import Context

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
    """Enforces the rules. The policy file is looked at again once a second; answers are remembered until then."""

    REMEMBERED_FOR = 1.0
    REMEMBERED = 4096

    def __init__(self, conf: Any, rules: Iterable[Rule], clock: Any = time.monotonic):
        self._enforcer = policy.Enforcer(conf)
        self._enforcer.register_defaults([policy.RuleDefault(rule.name, rule.check) for rule in PERSONAS])
        self._enforcer.register_defaults(
            [policy.RuleDefault(rule.name, rule.check, scope_types=list(SCOPE_TYPES)) for rule in rules]
        )
        self._enforcer.load_rules()
        self._clock = clock
        self._answers: dict[tuple[Any, ...], bool] = {}
        self._forget_at = 0.0
        self._lock = threading.Lock()

    def allows(self, rule: Rule | str, context: Context, **target: str | None) -> bool:
        """Whether the caller may, on a thing of `project_id` and `user_id`: the caller's own unless said."""
        name = rule if isinstance(rule, str) else rule.name
        project_id = target.get('project_id', context.project_id)
        user_id = target.get('user_id', context.user_id)
        key = (name, project_id, user_id, *_who(context))
        now = self._clock()
        if now >= self._forget_at:
            with self._lock:
                self._answers.clear()
                self._forget_at = now + self.REMEMBERED_FOR
        answer = self._answers.get(key)
        if answer is None:
            answer = self._ask(name, {'project_id': project_id, 'user_id': user_id}, context)
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
