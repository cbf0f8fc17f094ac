"""nova-network: networks, subnets, ports and security groups of a cloud on one machine, by Neutron's API."""
