"""Sets of processors as operators write them: `2-5,^4,7`."""

from nova import errors


def parse(text: str) -> frozenset[int]:
    """The processors that the text names; `^` takes one or a range out."""
    wanted, unwanted = set(), set()
    for part in (part.strip() for part in text.split(',')):
        numbers = unwanted if part.startswith('^') else wanted
        first, dash, last = part.removeprefix('^').partition('-')
        try:
            numbers |= set(range(int(first), int(last if dash else first) + 1))
        except ValueError:
            raise errors.Invalid(f'"{text}" is not a set of processors; write it as in 2-5,^4,7.') from None
    if not wanted - unwanted:
        raise errors.Invalid(f'"{text}" names no processor at all.')
    return frozenset(wanted - unwanted)


def write(cpus: frozenset[int]) -> str:
    """The text for a set of processors, in its shortest form."""
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ','.join(str(first) if first == last else f'{first}-{last}' for first, last in runs)
