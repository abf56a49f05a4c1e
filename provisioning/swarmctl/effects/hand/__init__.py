"""Swarms of processes on another machine: swarmctl itself works there, one command over SSH at a time."""
