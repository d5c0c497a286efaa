"""Command groups that load a command's file only when the command is used, and know typos.

`tito --help` must answer at once, so names and one-line texts stand here as data.
"""

from __future__ import annotations

import difflib
import importlib

import click


class SuggestingGroup(click.Group):
    """A group that answers an unknown name with the one that was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it; a UsageError names what is near."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            meant = self.suggestion(ctx, name)
            maybe = f" Did you mean `{meant}`?" if meant else ""
            ctx.fail(f"There is no command `{ctx.command_path} {name}`.{maybe}")
        return super().resolve_command(ctx, args)

    def suggestion(self, ctx: click.Context, name: str) -> str:
        """The command that was probably meant, to be typed; "" if none is near."""
        near = difflib.get_close_matches(name.lower(), self.list_commands(ctx), n=1)
        return f"{ctx.command_path} {near[0]}" if near else ""


class LazyGroup(SuggestingGroup):
    """A group whose commands are given as name → ("module:attribute", one-line help)."""

    def __init__(self, *args: object, lazy: dict[str, tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which a learner meets them."""
        return [*self.lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the file that holds the command, and return the command."""
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def suggestion(self, ctx: click.Context, name: str) -> str:
        """Also a command of one of the groups: "start" means `tito module start`."""
        for group_name in self.lazy:
            group = self.get_command(ctx, group_name)
            if isinstance(group, click.Group) and name in group.list_commands(ctx):
                return f"{ctx.command_path} {group_name} {name}"
        return super().suggestion(ctx, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.lazy.items()])
