"""One swarm over several hosts: its parts here, the keys that they share, and the way between them."""
