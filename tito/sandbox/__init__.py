"""A process apart for code that nobody trusts. Knows nothing of exercises.

* ``host/`` runs beside `tito`: starts a guest, asks it, decodes what comes back.
* ``guest/`` runs in the other process: the learner's namespace and what may be asked of it.
* ``protocol.py`` is the language of the two, and runs in both.
"""
