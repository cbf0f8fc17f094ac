"""Options of the placement service."""

GROUP = 'placement'
SERVICE_TYPE = 'placement'
OPTS: list = []
