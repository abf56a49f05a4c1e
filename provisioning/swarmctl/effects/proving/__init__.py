"""Proofs of a swarm whose services run as containers."""
