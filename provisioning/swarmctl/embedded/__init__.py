"""What runs inside the process of an embedded engine."""
