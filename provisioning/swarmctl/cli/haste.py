"""Collects garbage less often, from before anything else is imported: a tenth of the time of a short command."""

import gc

gc.set_threshold(50_000, 20, 50)
