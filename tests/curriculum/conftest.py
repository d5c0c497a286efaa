"""The planted curriculum with one small module."""

from small import curriculum

__all__ = ["curriculum"]
