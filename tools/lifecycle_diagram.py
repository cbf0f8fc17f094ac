#!/usr/bin/env python3
"""Write doc/lifecycle.rst, the states of a server and what changes them, from the table in nova/domain/lifecycle.py."""

import argparse
import pathlib
import sys
from collections.abc import Sequence

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from nova.domain import lifecycle  # noqa: E402
from nova.domain.lifecycle import FOLLOWS_POWER, TRANSITIONS, Activity, Power, State, Transition  # noqa: E402

PLACE = ROOT / 'doc' / 'lifecycle.rst'

OPENING = """\
.. Written by tools/lifecycle_diagram.py from nova/domain/lifecycle.py; change the table there, then run the tool.

======================
The states of a server
======================

A server at rest has a *state*. While an operation runs it also has an *activity*. One table, ``TRANSITIONS`` in
``nova/domain/lifecycle.py``, says which verbs may begin in which state and where they end. ``begin`` in
``nova/db/stores/servers.py`` makes one UPDATE of it, so two verbs cannot both have a server.
"""

VERBS = """\
*Locked* says what happens when the server is locked and an ordinary user asks. A verb that *takes over* does not wait
for the operation that is under way: it asks that one to stop, which then undoes itself between two of its steps.
"""

STATES = """\
The REST API shows a state as ``vm_state`` and, by the table ``_STATUS``, as ``status``. A state that no verb above
leads to is a word of the API; no server gets into it by a verb yet.
"""

POWER = """\
A host reports the power of its guests. A server at rest takes the state that the power implies, if its present state is
one of these: {follows}.
In any other state, and while an operation runs, only its power changes.
"""


def page() -> str:
    """The whole page."""
    rules = list(TRANSITIONS.values())
    parts = [
        OPENING,
        _title('Verbs'),
        _table(
            ('Verb', 'Allowed in', 'Activity at first', 'Then', 'On failure', 'Locked', 'Takes over'),
            [_verb(rule) for rule in rules],
        ),
        VERBS,
        '::\n\n' + '\n\n'.join(_drawn(rule) for rule in rules) + '\n',
        _title('States'),
        STATES,
        _table(('State', 'REST status'), [(state.value, lifecycle.status(state, None)) for state in State]),
        _title('Activities'),
        'The REST API shows an activity as ``task_state``. Each step of an operation may name the one that it shows.\n',
        ''.join(f'* ``{activity.value}``\n' for activity in Activity),
        _title('Power'),
        POWER.format(follows=_states(FOLLOWS_POWER)),
        _table(('Power', 'Number in the REST API', 'State that it implies'), [_power(power) for power in Power]),
    ]
    return '\n'.join(parts)


def _verb(rule: Transition) -> tuple[str, ...]:
    return (
        rule.verb,
        _states(rule.allowed),
        rule.activity.value,
        rule.success.value,
        _failure(rule),
        'allowed' if rule.when_locked else 'refused',
        'yes' if rule.takes_over else 'no',
    )


def _drawn(rule: Transition) -> str:
    """A verb as two arrows: where it ends, and where it ends when it fails."""
    begins, done, failed = _states(rule.allowed), f'[ {rule.activity.value} ]', '[ on failure ]'
    width = max(len(done), len(failed))
    return '\n'.join(
        (
            f'    {rule.verb}',
            f'        {begins} --{done.center(width, "-")}--> {rule.success.value}',
            f'        {" " * len(begins)} --{failed.center(width, "-")}--> {_failure(rule)}',
        )
    )


def _failure(rule: Transition) -> str:
    return 'the state before' if rule.failure is lifecycle.UNCHANGED else rule.failure.value


def _states(some: frozenset[State]) -> str:
    missing = [state.value for state in State if state not in some]
    if len(missing) == 1:
        return f'any but {missing[0]}'
    return ', '.join(state.value for state in State if state in some)


def _power(power: Power) -> tuple[str, ...]:
    implied = lifecycle.power_to_state(power)
    return power.name.lower(), str(power.value), implied.value if implied else 'none'


def _title(text: str) -> str:
    return f'{text}\n{"=" * len(text)}\n'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    rule = '  '.join('=' * width for width in widths)
    lines = [
        '  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]
    return '\n'.join((rule, lines[0], rule, *lines[1:], rule, ''))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--into', type=pathlib.Path, default=PLACE, help='the file to write')
    parser.parse_args().into.write_text(page())
    return 0


if __name__ == '__main__':
    sys.exit(main())
