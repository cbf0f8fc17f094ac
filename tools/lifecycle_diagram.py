#!/usr/bin/env python3
"""Write doc/lifecycle.rst, the states of a server and what changes them, from the table in nova/domain/lifecycle.py."""

import argparse
import pathlib
import sys
from collections.abc import Sequence

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from nova.domain import lifecycle  # noqa: E402
from nova.domain.lifecycle import TRANSITIONS, USUAL_POWER, Activity, Power, State, Transition  # noqa: E402

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
*Action* is the word for the verb in what clients are told. *Locked* says what happens when the server is locked and an
ordinary user asks. A verb that *takes over* does not wait for the operation that is under way: it asks that one to stop,
which then undoes itself between two of its steps. Some take over from certain activities only. Only {early} may begin
in a server that never ran.

Where a verb may end in two ways, its operation knows which: a server that was stopped is stopped again, and one that
is shelved is offloaded at once if the options say so.
"""

STATES = """\
The REST API shows a state as ``vm_state`` and, by the table ``_STATUS``, as ``status``. What is being done to a server
goes before that in these states: {busy}.
"""

ACTIVITIES = """\
The REST API shows an activity as ``task_state``. Each step of an operation may name the one that it shows.
"""

POWER = """\
A host reports the power of its guests, at once when one changes by itself, and when it compares all of them now and
then. What follows for a server at rest whose guest has a power that nobody asked for is in this table: another state of
the server, or the end of the guest. Elsewhere, and while an operation runs, only the power is noted. Numbers are those of
the REST API.
"""


def page() -> str:
    """The whole page."""
    rules = list(TRANSITIONS.values())
    parts = [
        OPENING,
        _title('Verbs'),
        _table(
            ('Verb', 'Action', 'Allowed in', 'Activity at first', 'Then', 'On failure', 'Locked', 'Takes over'),
            [_verb(rule) for rule in rules],
        ),
        VERBS.format(early=' and '.join(f'``{rule.verb}``' for rule in rules if rule.before_active)),
        '::\n\n' + '\n\n'.join(_drawn(rule) for rule in rules) + '\n',
        _title('States'),
        STATES.format(busy=_states(frozenset(filter(_shows_activity, State)))),
        _table(('State', 'REST status'), [(state.value, lifecycle.status(state, None)) for state in State]),
        _title('Activities'),
        ACTIVITIES,
        _table(('Activity', 'REST status'), [(activity.value, _status_while(activity)) for activity in Activity]),
        _title('Power'),
        POWER,
        _table(('State', *(_power(power) for power in Power)), [_drifts(state) for state in USUAL_POWER]),
    ]
    return '\n'.join(parts)


def _verb(rule: Transition) -> tuple[str, ...]:
    return (
        rule.verb,
        rule.action,
        _states(rule.allowed),
        _activity(rule),
        _success(rule),
        _end(rule.failure),
        'allowed' if rule.when_locked else 'refused',
        'yes' if rule.takes_over else 'some' if rule.interrupts else 'no',
    )


def _drawn(rule: Transition) -> str:
    """A verb as two arrows: where it ends, and where it ends when it fails."""
    begins, done, failed = _states(rule.allowed), f'[ {_activity(rule)} ]', '[ on failure ]'
    width = max(len(done), len(failed))
    return '\n'.join(
        (
            f'    {rule.verb}',
            f'        {begins} --{done.center(width, "-")}--> {_success(rule)}',
            f'        {" " * len(begins)} --{failed.center(width, "-")}--> {_end(rule.failure)}',
        )
    )


def _activity(rule: Transition) -> str:
    return rule.activity.value if rule.activity else 'none'


def _success(rule: Transition) -> str:
    return ' or '.join((_end(rule.success), *(state.value for state in State if state in rule.or_else)))


def _end(state: State | None) -> str:
    return 'the state before' if state is lifecycle.UNCHANGED else state.value


def _shows_activity(state: State) -> bool:
    return len({lifecycle.status(state, activity) for activity in Activity}) > 1


def _status_while(activity: Activity) -> str:
    state = next(filter(_shows_activity, State))
    shown = lifecycle.status(state, activity)
    return "the state's" if shown == lifecycle.status(state, None) else shown


def _states(some: frozenset[State]) -> str:
    missing = [state.value for state in State if state not in some]
    if len(missing) == 1:
        return f'any but {missing[0]}'
    return ', '.join(state.value for state in State if state in some)


def _power(power: Power) -> str:
    return f'{power.name.lower()} ({power.value})'


def _drifts(state: State) -> tuple[str, ...]:
    return state.value, *(_drift(state, power) for power in Power)


def _drift(state: State, power: Power) -> str:
    if power in USUAL_POWER[state]:
        return 'as it should be'
    found = lifecycle.drift(state, power)
    parts = [found.state.value if found.state else '', 'the guest is ended' if found.end_guest else '']
    return ', '.join(part for part in parts if part) or 'noted'


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
    parser.add_argument(
        '--into',
        type=pathlib.Path,
        default=PLACE,
        metavar='FILE',
        help='the file to write (default: doc/lifecycle.rst)',
    )
    parser.parse_args().into.write_text(page())
    return 0


if __name__ == '__main__':
    sys.exit(main())
