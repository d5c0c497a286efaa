"""The command line `tito`: parse, call, render. The work is done elsewhere in `tito`."""


def main() -> None:
    """Run the command line (the entry point of the `tito` program)."""
    from tito.cli.app import tito

    tito.main(prog_name="tito")
