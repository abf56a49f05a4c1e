"""What keeps the processes of a stack alive."""
