"""The top of the command line: the groups, and what happens when something goes wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from tito import __version__
from tito.cli.lazy import LazyGroup
from tito.cli.rendering import complain, prepare_streams
from tito.errors import TitoError

INTERRUPTED = 130  # what shells report for a program ended by Ctrl-C
COMMANDS = {
    "setup": ("tito.cli.setup:setup", "Make a workspace, or add what yours lacks."),
    "module": ("tito.cli.module:module", "Work on modules: start, test, hint, complete, …"),
    "milestone": ("tito.cli.milestone:milestone", "Run the history of the field on your code."),
    "test": ("tito.cli.judging:test", "Short for: module test."),
    "status": ("tito.cli.module:status", "Short for: module status."),
    "hint": ("tito.cli.module:hint", "Short for: module hint."),
    "next": ("tito.cli.here:next_step", "Where you are, and what to do next."),
    "export": ("tito.cli.export:export", "Put a module's code into your package, as it is."),
    "system": ("tito.cli.system:system", "Look at the set-up: info, doctor."),
    "completion": ("tito.cli.completion:completion", "Let the Tab key complete names."),
    "dev": ("tito.cli.dev:dev", "Build and check the curriculum (for contributors)."),
}


class Tito(LazyGroup):
    """The top group: every foreseeable failure ends in a message, never in a traceback."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **settings: Any) -> NoReturn:
        """Run the command line and exit with its status."""
        prepare_streams()
        settings["standalone_mode"] = False
        sys.exit(_run(lambda: super(Tito, self).main(args, *rest, **settings)))


def _run(call: Any) -> int:
    try:
        result = call()
        sys.stdout.flush()
    except TitoError as error:
        complain(error.message, error.fix)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        complain("Stopped. What was saved before stays as it is.")
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return 1
    except OSError as error:
        complain(_os_error(error), "Check the folder's permissions and the free disk space.")
        return 1
    except Exception as error:
        return _fault(error)
    return result if isinstance(result, int) else 0


def _os_error(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


def _fault(error: Exception) -> int:
    """A failure nobody foresaw is a fault of tito; say so, and keep the details at hand."""
    if os.environ.get("TITO_DEBUG"):
        raise error
    complain(
        f"tito itself failed ({type(error).__name__}: {error}). This is a fault in tito.",
        "See where, for a report: set TITO_DEBUG=1 and run the command again.",
    )
    return 1


def _silence_stdout() -> None:
    """The reader of our output has gone (`tito … | head`): let the exit be quiet too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.command(
    cls=Tito,
    invoke_without_command=True,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="A new workspace: tito setup. Then: tito module start 01.",
)
@click.version_option(__version__, "--version", prog_name="tito", message="%(prog)s %(version)s")
@click.pass_context
def tito(ctx: click.Context) -> None:
    """Build a machine-learning framework yourself, module by module."""
    if ctx.invoked_subcommand is not None:
        return
    from tito.cli.common import open_standing
    from tito.cli.here import is_workspace, say_here

    if is_workspace():
        say_here(open_standing())
        click.echo("All commands: tito --help")
    else:
        click.echo(ctx.get_help())
