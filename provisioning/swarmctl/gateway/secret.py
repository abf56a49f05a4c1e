"""Secrets live in files that only their owner can read; nowhere else."""

from pathlib import Path


def read_secret(path: str | Path) -> str:
    """The one line in a secret's file. Raises ValueError when others can read it or it is empty, OSError."""
    file = Path(path)
    if file.stat().st_mode & 0o077:
        raise ValueError(f"{file} can be read by others; chmod 600 {file}")
    secret = file.read_text(encoding="utf-8").strip()
    if not secret or "\n" in secret:
        raise ValueError(f"{file} must hold one secret on one line")
    return secret
