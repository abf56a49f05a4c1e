"""Rented machines: what is wanted, what is held, what it may cost, and what to do next."""
