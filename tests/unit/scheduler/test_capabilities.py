"""Requirements of extra specs."""

import pytest

from nova.scheduler.filters.compute_capabilities import satisfies


@pytest.mark.parametrize(
    ('found', 'wanted', 'fits'),
    [
        ('x86_64', 'x86_64', True),
        ('x86_64', 'arm', False),
        (4, '4', True),
        (5, '= 4', True),
        (3, '= 4', False),
        (4, '== 4', True),
        (5, '== 4', False),
        (5, '!= 4', True),
        (4.5, '>= 4', True),
        (3, '>= 4', False),
        (4, '<= 4', True),
        ('many', '>= 4', False),
        (4, '>=', False),
        ('2.1.0', 's== 2.1.0', True),
        ('2.1.0', 's!= 2.1.0', False),
        ('b', 's> a', True),
        ('a', 's> a', False),
        ('a', 's>= a', True),
        ('a', 's< b', True),
        ('b', 's<= a', False),
        ('gcc and more', '<in> gcc', True),
        (['gcc'], '<in> gcc', True),
        (['gcc'], '<in> gc', False),
        (['aes', 'mmx', 'sse'], '<all-in> aes mmx', True),
        (['aes'], '<all-in> aes mmx', False),
        ('fpu', '<or> fpu <or> gpu', True),
        ('gpu', '<or> fpu <or> gpu', True),
        ('tpu', '<or> fpu <or> gpu', False),
        (True, 'true', True),
        (False, 'true', False),
        ('', '', True),
    ],
)
def test_a_requirement(found, wanted, fits):
    assert satisfies(found, wanted) is fits
