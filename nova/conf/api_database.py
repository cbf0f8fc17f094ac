"""Options of the API database: cells, flavors, key pairs, quotas."""

from nova.conf import database

GROUP = 'api_database'
OPTS = database.options('the API database')
