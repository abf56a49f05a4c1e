"""What makes short commands short, before anything else is imported: a third of their time."""

import atexit
import gc
import os

gc.set_threshold(200_000, 20, 50)
atexit.register(gc.freeze)  # or the interpreter searches all that was imported for garbage before it ends: 0.1 s
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # or it reads what every installed package offers it
