"""One story a file: each returns a value and prints nothing."""
