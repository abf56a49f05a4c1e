"""A private team of coding agents: one file, one command, one undo."""

__version__ = "0.1.0"
