"""What all verbs have in common."""

import dataclasses
from typing import Any, ClassVar, Self

from nova import errors
from nova.db.stores import servers
from nova.domain.lifecycle import TRANSITIONS, Transition
from nova.domain.server import Fault
from nova.saga.journal import Journal
from nova.saga.step import Step


@dataclasses.dataclass(frozen=True)
class Operation:
    """A verb on one server. Its fields are data, so that any conductor can go on with it; its methods are its steps."""

    server_id: str

    verb: ClassVar[str]
    steps: ClassVar[tuple[Step, ...]]
    worth_another_try: ClassVar[tuple[type[Exception], ...]] = (errors.HostFailed,)

    def __str__(self) -> str:
        return f'{self.verb} of server {self.server_id}'

    def attempts(self, cloud: Any) -> int:
        """How often it is tried, each time on another host."""
        return 1

    @property
    def transition(self) -> Transition:
        return TRANSITIONS[self.verb]

    def without_secrets(self) -> Self | None:
        """What the journal keeps of this when it has ended; None if it has nothing that must be forgotten."""
        return None

    def show_stuck(self, cloud: Any, journal: Journal, tx: Any) -> None:
        """Let the server show that this can neither go on nor be undone. `tx` is the journal's own transaction."""
        servers.show_stuck(tx, self.server_id, journal.operation_id, stuck_fault(journal))

    def finish(self, cloud: Any, journal: Journal, tx: Any) -> str | None:
        """Let go of the server, in the state that the transition table says. `tx` is the journal's own transaction.

        The id of the operation that goes on with the server at once, if there is one.
        """
        if failure := fault_of(journal, self.verb):
            servers.finish(tx, self.server_id, journal.operation_id, self.transition.failure, fault=failure)
        else:
            outcome = {'state': self.transition.success} | self.outcome(cloud, journal)
            servers.finish(tx, self.server_id, journal.operation_id, **outcome)
        return None

    def outcome(self, cloud: Any, journal: Journal) -> dict[str, Any]:
        """Fields of the server that change when this has ended well, beside its state."""
        return {}


def stuck_fault(journal: Journal) -> Fault:
    """What the user is told of an operation that can neither go on nor be undone."""
    details = '\n'.join(f'{entry.name}: {entry.error}' for entry in journal.page.entries if entry.undo_failures)
    return Fault(code=500, message='This could not be undone; an operator has to look at it.', details=details)


# What a host could not do, where that is more than the verb.
_TASKS = {
    'create': 'make the server',
    'reboot_hard': 'reboot the server',
    'confirm_resize': 'confirm the resize of the server',
    'revert_resize': 'revert the resize of the server',
    'live_migrate': 'migrate the server',
    'shelve_offload': 'offload the shelved server',
    'create_image': 'make an image of the server',
    'create_backup': 'make a backup of the server',
    'change_password': 'change the password of the server',
    'attach_interface': 'attach the interface to the server',
    'detach_interface': 'detach the interface from the server',
    'attach_volume': 'attach the volume to the server',
    'detach_volume': 'detach the volume from the server',
    'swap_volume': 'swap the volume of the server',
    'trigger_crash_dump': 'trigger a crash dump of the server',
    'inject_network_info': 'inject the network configuration into the server',
    'soft_delete': 'delete the server',
    'power_off': 'stop the server',
    'power_on': 'start the server',
}
# What its user may do then, where that is not to ask for the same.
_ADVICE = {
    'create': 'Delete it, and create another one',
    'rebuild': 'Rebuild it again, or reboot it hard',
    'power_on': 'Reboot it hard',
}


def fault_of(journal: Journal, verb: str) -> Fault | None:
    """What the user is told of a verb's failure: the text of errors that are safe to show, else a plain sentence."""
    failure = journal.page.failure
    if failure is None:
        return None
    kind = getattr(errors, failure.kind, None)
    if kind and issubclass(kind, errors.Refused):
        return Fault(code=_code(kind), message=failure.text, details=failure.details)
    details = f'{failure.text}\n{failure.details or ""}'.strip()
    if kind and issubclass(kind, errors.HostFailed):
        return Fault(code=500, message=what_host_could_not_do(verb), details=details)
    return Fault(
        code=500, message='An unexpected error prevented this; the request id leads to its cause.', details=details
    )


def what_host_could_not_do(verb: str) -> str:
    """What the user is told when a host fails at a verb, and may do then."""
    task, advice = _TASKS.get(verb, f'{verb} the server'), _ADVICE.get(verb, 'Ask for it again')
    return f'The host could not {task}. {advice}; an administrator can see what went wrong.'


def _code(kind: type[Exception]) -> int:
    return {errors.NotFound: 404, errors.Conflict: 409, errors.Invalid: 400, errors.Forbidden: 403}.get(kind, 500)
