"""An infrastructure control plane that speaks OpenStack Compute's API."""
