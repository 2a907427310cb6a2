"""`bff identity`: somebody to be, from the command line."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from gateway.identity.development import DevIdentity, kept_secret, token_of
from gateway.settings import Settings
from resolvers.viewer import Role


def add_identity_commands(cli: typer.Typer, read_settings: Callable[[], Settings]) -> None:
    """Add ``identity token``."""
    identity = typer.Typer(help="Identities of `bff dev`.", no_args_is_help=True)
    cli.add_typer(identity, name="identity")

    @identity.callback()
    def group() -> None:
        """Identities of `bff dev`."""

    @identity.command("token")
    def token(
        *,
        customer: Annotated[str, typer.Option(help="Be this customer: c-1.")] = "",
        staff: Annotated[bool, typer.Option("--staff", help="Be one of the shop.")] = False,
    ) -> None:
        """Print a bearer token that `bff dev` believes for an hour; without options, a visitor's.

        curl -H "Authorization: Bearer $(bff identity token --customer c-1)" ...
        """
        secret = kept_secret(Path(read_settings().data_dir))
        typer.echo(token_of(_identity(customer, is_staff=staff), secret, now_s=time.time()))


def _identity(customer_id: str, *, is_staff: bool) -> DevIdentity:
    if is_staff:
        return DevIdentity("Staff", Role.STAFF)
    if customer_id:
        return DevIdentity(f"Customer {customer_id}", Role.CUSTOMER, customer_id)
    return DevIdentity("Visitor", Role.VISITOR)
