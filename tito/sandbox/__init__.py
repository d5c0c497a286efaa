"""A process apart for code that nobody trusts. Knows nothing of exercises.

* ``host/`` runs beside `tito`: starts a guest, asks it, decodes what comes back.
* ``guest/`` runs in the other process: the learner's namespaces and what may be asked of them.
* ``protocol/`` is the language of the two, and runs in both.

The way of one question: ``Client.ask`` (or a ``Proxy``) → ``GuestProcess.exchange`` → ``Channel``
→ pipe → ``guest/channel.py`` → ``guest/server.py`` → ``guest/operations.py``, and back.
"""

from tito.sandbox.host.bubblewrap import INSTALL as INSTALL_BUBBLEWRAP
from tito.sandbox.host.isolation import Isolation, choose
from tito.sandbox.host.launcher import Launcher
from tito.sandbox.host.limits import Limits

__all__ = ["INSTALL_BUBBLEWRAP", "Isolation", "Launcher", "Limits", "choose"]
