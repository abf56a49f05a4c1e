"""Deciding: values in, values out; no clock, files, network or processes."""
