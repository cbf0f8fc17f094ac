import pytest

from nova.domain.cell import fill_template

RABBIT = 'rabbit://u:p@h:5672/v?ssl=1#f'
CLUSTER = 'rabbit://u1:p1@h1:5671,u2:p2@[::1]:5672/v'


@pytest.mark.parametrize(
    ('template', 'local', 'filled'),
    [
        ('rabbit://fixed/', RABBIT, 'rabbit://fixed/'),
        ('{scheme}://{username}:{password}@{hostname}:{port}/{path}?{query}#{fragment}', RABBIT, RABBIT),
        ('rabbit://{username}@far/', None, 'rabbit://{username}@far/'),
        ('rabbit://{username1}:{password1}@a,{username2}:{password2}@b/', CLUSTER, 'rabbit://u1:p1@a,u2:p2@b/'),
        ('rabbit://x@{hostname2}:{port2}/', CLUSTER, 'rabbit://x@[::1]:5672/'),
        ('rabbit://{username3}@far/', CLUSTER, 'rabbit://{username3}@far/'),
        ('rabbit://{nonsense}/', RABBIT, 'rabbit://{nonsense}/'),
        ('rabbit://{/', RABBIT, 'rabbit://{/'),
    ],
)
def test_templates_take_what_the_local_url_has(template, local, filled):
    assert fill_template(template, local) == filled
