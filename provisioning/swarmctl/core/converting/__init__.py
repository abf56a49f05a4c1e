"""Conversions from published weights to quantised models: what is asked, whether it can be, in which steps."""
