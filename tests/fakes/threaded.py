"""A module that leaves a thread running when it is imported: the supervisor must not fork then."""

import threading

threading.Thread(target=threading.Event().wait, name="left-over", daemon=True).start()


def serve() -> int:
    """Never reached."""
    return 0
