"""Options of the identity service, for questions about projects and users."""

GROUP = 'keystone'
SERVICE_TYPE = 'identity'
OPTS: list = []
