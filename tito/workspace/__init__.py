"""The learner's workspace: where things stand, what is done, and that nothing is ever lost."""

from tito.workspace.layout import Workspace
from tito.workspace.progress import Progress

__all__ = ["Progress", "Workspace"]
