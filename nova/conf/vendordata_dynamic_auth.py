"""Options of the identity that services are asked with for vendor data."""

GROUP = 'vendordata_dynamic_auth'
SERVICE_TYPE = ''
OPTS = []
