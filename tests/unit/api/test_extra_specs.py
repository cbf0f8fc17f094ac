"""Every published extra spec is known, and takes the published values."""

import csv
import itertools
import re

import pytest

from nova import errors
from nova.api import extra_specs
from tests.published import DIRECTORY

with (DIRECTORY.parent / 'published_tables' / 'extra_specs.csv').open(newline='') as file:
    ROWS = list(csv.DictReader(file))
# What stands for a parameter of a name, and what may not.
PARAMETERS = {
    'filter': (('', ':arch', ':features:x'), (':', '::x', '.x')),
    'group': (('', '1', '_A-b', 'x' * 64), ('a b', 'x' * 65)),
    'key': (('x', 'x:y'), ()),
    'num': (('0', '12'), ('x', '')),
    'resource': (('X', 'A_1'), ('x', '')),
    'trait': (('X', 'A_1'), ('x', '')),
}
VALUES = {
    'string': (('anything', '1'), ()),
    'boolean': (('true', 'False', 'yes', '0', 'off'), ('maybe', '', '2')),
    'integer': (('5', '15', '+7'), ('x', '', '1.5', '1' * 20)),
}
PATTERNED = {
    'hw:cpu_dedicated_mask': (('1', '^1', '0-3,^2', '1-2,4', '1,2,^3'), ('', 'x', '1,', '-1', '1^2')),
    'hw:mem_page_size': (('large', 'small', 'any', '2048', '2MB', '1GiB', '4kb'), ('huge', 'MB', '2 MB')),
    'hw:pmem': (('4GB', '4GB,SMALL', 'a,'), ('', ',a', 'a,,b', 'a b')),
    'pci_passthrough:alias': (('a1:2', 'a1:2, b:1', 'x,y:1'), ('', 'a1', 'a1:', 'a:x', ':1')),
}
PATTERNED |= dict.fromkeys(('hw:cpu_realtime_mask', 'hw:numa_cpus.{num}'), PATTERNED['hw:cpu_dedicated_mask'])


def test_the_whole_table_is_looked_at():
    assert len(ROWS) == 526
    assert {row['name'] for row in ROWS if row['value_pattern']} == set(PATTERNED)


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row['name'])
def test_each_extra_spec_takes_the_published_values(row):
    good, bad = values(row)
    names, wrong_names = spelt(row['name'])
    for name in names:
        for value in good:
            extra_specs.check(name, value)
        for value in bad:
            with pytest.raises(errors.Invalid, match='no value for extra spec'):
                extra_specs.check(name, value)
    for name in wrong_names:
        with pytest.raises(errors.Invalid, match='does not appear to be a valid extra spec'):
            extra_specs.check(name, good[0])


@pytest.mark.parametrize('name', ['hw:bogus', 'os:x', 'quota:', 'traits:NOTHING', 'resources:NOTHING', 'accel:x'])
def test_a_name_that_is_not_known_in_a_known_namespace_is_refused(name):
    with pytest.raises(errors.Invalid, match='does not appear to be a valid extra spec'):
        extra_specs.check(name, '1')


@pytest.mark.parametrize('name', ['foo', 'foo:bar', 'hwx:bogus', 'my trait:X'])
def test_other_names_are_the_operators_own(name):
    extra_specs.check(name, 'anything')


def values(row):
    """What the row's spec takes, and what it refuses."""
    if row['value_pattern']:
        good, bad = PATTERNED[row['name']]
        assert all(re.fullmatch(row['value_pattern'], value) for value in good)
        return good, [value for value in bad if not re.fullmatch(row['value_pattern'], value)]
    good, bad = VALUES[row['type']]
    if row['enum']:
        return row['enum'].split('|'), ['nonsense', '']
    if row['min']:
        bad = (*bad, str(int(row['min']) - 1))
        good = (*good, row['min'])
    elif row['type'] == 'integer':
        good = (*good, '-1')
    if row['max']:
        bad = (*bad, str(int(row['max']) + 1))
    return good, bad


def spelt(name):
    """The names that a name with parameters stands for, and near misses."""
    parameters = re.findall(r'\{(\w+)\}', name)
    good = [_filled(name, parameters, chosen) for chosen in itertools.product(*(PARAMETERS[p][0] for p in parameters))]
    if name.startswith(('trait{group}', 'resources{group}')) and 'CUSTOM' not in name:
        # One wrong spelling of the group is enough, in the rows of custom names.
        return good, []
    wrong = []
    for place, parameter in enumerate(parameters):
        for value in PARAMETERS[parameter][1]:
            chosen = [PARAMETERS[p][0][-1] for p in parameters]
            chosen[place] = value
            wrong.append(_filled(name, parameters, chosen))
    # With a group that is none, the name is outside of the namespace.
    return good, [entry for entry in wrong if not entry.startswith(('traita b', 'resourcesa b'))]


def _filled(name, parameters, chosen):
    for parameter, value in zip(parameters, chosen, strict=True):
        name = name.replace(f'{{{parameter}}}', value)
    return name
