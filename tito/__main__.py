"""`python -m tito`: the same as the program `tito`."""

from tito.cli import main

main()
