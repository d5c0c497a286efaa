"""tinytorch: a machine-learning framework, built module by module (the reference build).

Inside a learner's workspace it becomes the learner's own package: never both, never a silent
fallback. This text (`tito/package/templates/whose_code.py`, standard library only) opens the
package; the reference façade follows below it, as the body of `if not _hand_over(globals()):`.
"""

import os
import sys
from importlib.machinery import SourceFileLoader


def _is_workspace(folder):
    """True for a folder that `tito setup` made."""
    package = os.path.join(folder, "tinytorch", "__init__.py")
    holds_work = os.path.isfile(package) or os.path.isdir(os.path.join(folder, "modules"))
    return holds_work and os.path.isdir(os.path.join(folder, ".tinytorch"))


def _workspace_above(place):
    """Return the nearest workspace at or above the path `place`, or None."""
    folder = os.path.abspath(place)
    while not _is_workspace(folder):
        below, folder = folder, os.path.dirname(folder)
        if folder == below:
            return None
    return folder


def _is_tool(script):
    """True for a program of the environment (jupyter, pytest): then the folder decides."""
    homes = (os.path.dirname(sys.executable or ""), os.path.dirname(os.__file__))
    inside = any(script.startswith(home + os.sep) for home in homes if home)
    return inside or f"{os.sep}site-packages{os.sep}" in script


def _workspace_here():
    """Return the workspace of the running script or notebook, else of the current folder."""
    for main in map(sys.modules.get, ("__mp_main__", "__main__")):
        for script in (getattr(main, "__file__", None), getattr(main, "__vsc_ipynb_file__", None)):
            root = script and not _is_tool(os.path.abspath(script)) and _workspace_above(script)
            if root:
                return root
    try:
        return _workspace_above(os.getcwd())
    except OSError:  # the current folder is gone
        return None


def _hand_over(names):
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
