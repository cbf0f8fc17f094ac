"""Who asks: the identity and request that a call acts for."""

import dataclasses
import uuid


def new_request_id() -> str:
    return f'req-{uuid.uuid4()}'


@dataclasses.dataclass(frozen=True)
class Context:
    """The caller, as Keystone describes them. `read_deleted` is not here: a store function says what it returns."""

    user_id: str | None = None
    project_id: str | None = None
    roles: tuple[str, ...] = ()
    is_admin: bool = False
    request_id: str = dataclasses.field(default_factory=new_request_id)
    global_request_id: str | None = None
    user_domain_id: str | None = None
    project_domain_id: str | None = None
    system_scope: str | None = None
    service_roles: tuple[str, ...] = ()
    remote_address: str | None = None
    # The user's token, for calls to neighbours on the user's behalf. Never stored, never sent over the bus.
    token: str | None = dataclasses.field(default=None, repr=False, compare=False, metadata={'private': True})

    def elevated(self) -> 'Context':
        return dataclasses.replace(self, is_admin=True)


def admin_context() -> Context:
    """The system's own identity, for periodic work that no user asked for."""
    return Context(roles=('admin',), is_admin=True)
