"""Console proxies: they check a token, then carry bytes between a browser and a guest's console."""
