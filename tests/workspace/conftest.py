"""The planted curriculum and a workspace of it, for every test here."""

from planted import curriculum, workspace

__all__ = ["curriculum", "workspace"]
