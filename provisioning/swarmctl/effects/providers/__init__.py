"""Rental markets: the promise, its makers, and what is written down about them."""
