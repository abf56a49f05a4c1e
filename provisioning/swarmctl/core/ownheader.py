"""The header by which swarmctl's own calls are told from people's: a check keeps no rented machine awake."""

OWN = "X-Swarmctl"
CHECK = {OWN: "check"}
"""Of whoever deploys, looks and proves; never of work."""
