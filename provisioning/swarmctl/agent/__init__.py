"""What runs inside the process of one agent."""
