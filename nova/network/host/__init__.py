"""What networks are on this machine: bridges, DHCP and names, the firewall, the way to the metadata service."""
