"""Registers the commands that need the platform; each imports what it needs when it runs."""

import typer

from faitfoi.cli import (
    archiving,
    archiving_life,
    auditing,
    came_back,
    checkpoints,
    chorus,
    dossiers,
    following,
    installing,
    integrity,
    mailing,
    numbering,
    payments,
    processes,
    proving,
    rebuilding,
    restoring,
    sealing,
    sending,
    tokens,
    webhooks,
)


def register(app: typer.Typer) -> None:
    """Add the platform's commands."""
    app.command()(sending.send)
    app.command()(sending.documents)
    app.command()(following.follow)
    app.command()(following.route)
    app.command()(following.directory)
    app.command()(came_back.returned)
    app.command()(following.fsck)
    app.command()(rebuilding.rebuild)
    app.command()(integrity.integrity)
    app.command()(auditing.controls)
    app.command()(auditing.chain)
    app.command()(auditing.paf)
    app.add_typer(auditing.auditor, name="auditor")
    app.command()(dossiers.dossier)
    app.command()(proving.verify)
    app.command()(archiving.attest)
    app.command()(archiving_life.retention)
    app.add_typer(archiving_life.hold, name="hold")
    app.add_typer(archiving_life.eliminate, name="eliminate")
    app.command()(archiving_life.export)
    app.command("import")(archiving_life.import_)
    app.command()(checkpoints.checkpoint)
    app.command()(proving.renew)
    app.command()(proving.witness)
    app.add_typer(restoring.app, name="restore")
    app.add_typer(numbering.series, name="series")
    app.add_typer(mailing.app, name="mail")
    app.add_typer(chorus.chorus, name="chorus")
    app.add_typer(payments.payment, name="payment")
    app.add_typer(tokens.token, name="token")
    app.add_typer(webhooks.webhook, name="webhook")
    app.command()(processes.run)
    app.command()(processes.worker)
    app.command()(processes.pages)
    app.command()(processes.returns)
    app.command()(processes.watch)
    app.add_typer(processes.simulate, name="simulate")
    app.command()(processes.demo)
    installing.register(app)
    sealing.register(app)
