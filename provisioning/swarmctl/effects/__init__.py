"""The edge: each file talks to one outside thing."""
