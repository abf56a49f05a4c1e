"""What runs inside the converter's container: imports nothing else of swarmctl."""
