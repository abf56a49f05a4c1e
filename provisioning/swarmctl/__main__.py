"""`python -m swarmctl` is `swarmctl`."""

from swarmctl.cli import main

main()
