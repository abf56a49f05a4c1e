"""How a swarm's containers are worked on: the machine that has them is this one, or one that SSH reaches."""
