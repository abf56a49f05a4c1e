"""Conversions carried out: what sources hold, the tools in their container, steps run and results kept."""
