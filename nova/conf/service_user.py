"""Options of the identity that vouches for calls made on behalf of a user."""

from oslo_config import cfg

GROUP = 'service_user'
SERVICE_TYPE = ''
OPTS = [
    cfg.BoolOpt(
        'send_service_user_token',
        default=False,
        help="Whether our own token goes with the user's, so that a call is accepted after the user's token expired.",
    ),
]
