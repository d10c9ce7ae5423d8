"""Commands for database nodes."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.options import AsJson, end

NodeName = Annotated[str, typer.Argument(metavar="NODE", help="As `lockstep nodes list` shows it.")]


def nodes_list(as_json: AsJson = False) -> None:
    """List the nodes of lockstep.toml, with whom they ask and whom they answer."""
    from worker.cli.nodes import nodes as command

    end(command.list_nodes(as_json=as_json))


def nodes_status(
    node: Annotated[str | None, typer.Argument(metavar="NODE", help="Only this node.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show how far each node is behind with each peer: the age of its oldest unsent edit."""
    from worker.cli.nodes import nodes as command

    end(command.status(node, as_json=as_json))


def nodes_compare(
    first: NodeName,
    second: NodeName,
    repair: Annotated[
        bool, typer.Option("--repair", help="Say how it can be put into order; --yes does it.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do what --repair says.")] = False,
    bury: Annotated[
        bool,
        typer.Option(
            "--bury",
            help="Rows that are gone unseen were deleted; without it they come back from the other node.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the tables of two nodes row by row; both databases must be described here."""
    from worker.cli.nodes import compare as command

    if repair or yes or bury:
        end(command.repair(first, second, bury=bury, yes=yes, as_json=as_json))
    end(command.compare(first, second, as_json=as_json))


def nodes_resync(node: NodeName) -> None:
    """Let a node's next sync compare everything with its peer."""
    from worker.cli.nodes import nodes as command

    end(command.resync(node))


def nodes_restamp(
    node: NodeName,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done; write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Mend what a node stamped while its clock was far ahead; put the clock right first."""
    from worker.cli.nodes import nodes as command

    end(command.restamp(node, dry_run=dry_run, as_json=as_json))


def nodes_capture(
    node: NodeName,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the triggers instead.")] = False,
) -> None:
    """Install the triggers that stamp every edit of a node's tables."""
    from worker.cli.nodes import nodes as command

    end(command.capture(node, uninstall=remove))
