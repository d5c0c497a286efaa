"""The side of the sandbox that runs in the other process. Nothing here imports `tito`."""
