"""How a stack runs on a host."""
