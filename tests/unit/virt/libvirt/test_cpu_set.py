"""Sets of processors, read and written."""

import pytest

from nova import errors
from nova.virt.libvirt import cpu_set


@pytest.mark.parametrize(
    ('text', 'cpus', 'written'),
    [
        ('3', {3}, '3'),
        ('2-5,^4,7', {2, 3, 5, 7}, '2-3,5,7'),
        ('0-7, ^2-5', {0, 1, 6, 7}, '0-1,6-7'),
        ('^1,0-2', {0, 2}, '0,2'),
    ],
)
def test_sets_are_read_and_written(text, cpus, written):
    assert cpu_set.parse(text) == cpus
    assert cpu_set.write(frozenset(cpus)) == written


@pytest.mark.parametrize('text', ['', 'a', '1-', '1,,2', '^1', '3-2', '1-2-3'])
def test_nonsense_is_refused(text):
    with pytest.raises(errors.Invalid):
        cpu_set.parse(text)
