"""The SCALE codec: values, events, calls, storage and extrinsics of one runtime, driven by its metadata.

Nothing here knows the network or the database. `Runtime` (in `runtime.py`) is the way in.
"""
