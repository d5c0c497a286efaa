"""The side of the sandbox that runs in our own process."""
