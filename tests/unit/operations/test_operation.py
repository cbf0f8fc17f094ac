import pytest

from nova import errors
from nova.domain.lifecycle import TRANSITIONS
from nova.operations.operation import fault_of
from nova.saga.journal import MemoryJournal


def failed(failure):
    journal = MemoryJournal()
    journal.turn(failure)
    return journal


@pytest.mark.parametrize(
    ('verb', 'message'),
    [
        ('create', 'The host could not make the server. Delete it, and create another one'),
        ('stop', 'The host could not stop the server. Ask for it again'),
        ('reboot_hard', 'The host could not reboot the server. Ask for it again'),
        ('confirm_resize', 'The host could not confirm the resize of the server. Ask for it again'),
        ('rebuild', 'The host could not rebuild the server. Rebuild it again, or reboot it hard'),
    ],
)
def test_a_fault_says_what_the_host_could_not_do_and_what_its_user_may_do(verb, message):
    fault = fault_of(failed(errors.HostFailed('No room on /dev/sda.')), verb)
    assert (fault.code, fault.message) == (500, f'{message}; an administrator can see what went wrong.')
    assert 'No room on /dev/sda.' in fault.details


@pytest.mark.parametrize('verb', TRANSITIONS)
def test_it_does_so_in_words(verb):
    message = fault_of(failed(errors.HostFailed('no')), verb).message
    assert '_' not in message
    assert message.endswith('.')


def test_what_may_be_shown_is_shown_and_bugs_are_not():
    assert (
        fault_of(failed(errors.Conflict('The guest agent is silent.')), 'stop').message == 'The guest agent is silent.'
    )
    assert 'request id' in fault_of(failed(ZeroDivisionError('secret')), 'stop').message
    assert fault_of(MemoryJournal(), 'stop') is None
