"""Stories of a swarm over several hosts: each is that of its parts, and of what lies between them."""
