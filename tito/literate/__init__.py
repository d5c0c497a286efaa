"""Literate files: percent `.py` and notebooks as one list of cells, and their solution regions."""
