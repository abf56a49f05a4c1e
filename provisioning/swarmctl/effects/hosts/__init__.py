"""Hosts that are not this machine: playbooks on them."""
