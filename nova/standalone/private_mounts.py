"""Run a program that sees our folders in the place of the system's: [--cgroups=NAME] SOURCE=TARGET[=ro] ... -- PROGRAM ..."""

import os
import sys

from nova.standalone import system_calls
from nova.standalone.private_cgroups import Subtree

CGROUPS = '--cgroups='


def enter(binds: list[list[str]]) -> None:
    """Leave the machine's mounts as they are, and put ours over them for this process and its children alone."""
    system_calls.unshare(system_calls.NEW_MOUNTS)
    system_calls.mount(None, '/', system_calls.RECURSIVE | system_calls.SLAVE)
    for source, target, *how in binds:
        if os.path.isdir(source):
            os.makedirs(target, exist_ok=True)
        system_calls.mount(source, target, system_calls.BIND)
        if 'ro' in how:
            system_calls.mount(None, target, system_calls.REMOUNT | system_calls.BIND | system_calls.READ_ONLY)


def main(arguments: list[str]) -> None:
    split = arguments.index('--')
    wanted, program = arguments[:split], arguments[split + 1 :]
    subtrees = [Subtree(word.removeprefix(CGROUPS)) for word in wanted if word.startswith(CGROUPS)]
    try:
        enter([word.split('=') for word in wanted if not word.startswith(CGROUPS)])
        for subtree in subtrees:
            subtree.enter()
            subtree.show()
    except OSError as failure:
        sys.exit(f'{program[0]} cannot have mounts and control groups of its own: {failure}.')
    os.execvp(program[0], program)


if __name__ == '__main__':
    main(sys.argv[1:])
