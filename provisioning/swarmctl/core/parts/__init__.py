"""One swarm over several hosts: split into a part for each, and what they say put together again."""
