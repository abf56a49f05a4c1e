"""One base, many specialists: what the converter reports, what it is worth, and what the gateway is told."""
