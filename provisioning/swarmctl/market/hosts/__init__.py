"""Rentals that are real: containers that start, stop and go as the market says."""
