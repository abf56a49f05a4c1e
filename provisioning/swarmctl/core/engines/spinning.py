"""How long threads of an engine spin for each other before they sleep."""

from collections.abc import Mapping

SPINNING: Mapping[str, str] = {"GOMP_SPINCOUNT": "500"}
"""Turns of libgomp's waiting loop; it knows the threads of its process alone, and a swarm has several processes.

Measured on two cores with seven models of 135 M parameters, asked for 24 tokens at once: 2.3 s, and 104 tokens/s of one
that is alone. With libgomp's default of 300,000 turns 41 to 81 s and 113 tokens/s; with threads that sleep at once
(`OMP_WAIT_POLICY=passive`) 1.6 s and 46 tokens/s.
"""
