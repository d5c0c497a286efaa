"""The reference package hands over to a learner's own: never both, never a silent fallback.

Standard library only: this text and that of `workspaces.py` open the reference package, whose
façade follows as the body of `if not _hand_over(globals()):`.
"""

import os
import sys
from importlib.machinery import SourceFileLoader
from typing import Any

from tito.package.workspaces import _workspace_above


def _is_tool(script: str) -> bool:
    """True for a program of the environment (jupyter, pytest): then the folder decides."""
    homes = (os.path.dirname(sys.executable or ""), os.path.dirname(os.__file__))
    inside = any(script.startswith(home + os.sep) for home in homes if home)
    return inside or f"{os.sep}site-packages{os.sep}" in script


def _workspace_here() -> str | None:
    """Return the workspace of the running script or notebook, else of the current folder."""
    for main in map(sys.modules.get, ("__mp_main__", "__main__")):
        for script in (getattr(main, "__file__", None), getattr(main, "__vsc_ipynb_file__", None)):
            if script and not _is_tool(os.path.abspath(script)):
                root = _workspace_above(script)
                if root:
                    return root
    try:
        return _workspace_above(os.getcwd())
    except OSError:  # the current folder is gone
        return None


def _hand_over(names: dict[str, Any]) -> bool:
    """Turn the module with these globals into the workspace's package; say whether it was done."""
    root = _workspace_here()
    if root is None:
        return False
    package = os.path.join(root, "tinytorch")
    init = os.path.join(package, "__init__.py")
    if not os.path.isfile(init):
        raise ImportError(f"The workspace {root} has no tinytorch package. Run there: tito setup")
    if os.path.samefile(init, names["__file__"]):
        return False
    loader = SourceFileLoader(names["__name__"], init)
    spec = names["__spec__"]
    spec.loader, spec.origin, spec.cached = loader, init, None
    spec.submodule_search_locations = [package]
    names.update(__loader__=loader, __file__=init, __path__=spec.submodule_search_locations)
    loader.exec_module(sys.modules[names["__name__"]])
    return True
