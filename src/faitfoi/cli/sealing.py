"""`faitfoi seal`: the key an organisation seals with, and what becomes of it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faitfoi.cli.sending import AsJson, Named
from faitfoi.cli.server import fail, platform_open, the_organisation

if TYPE_CHECKING:
    from faitfoi.accounts.models import Organisation
    from faitfoi.records.models import SealCertificate

seal = typer.Typer(no_args_is_help=True, help="Le cachet électronique : sa clé, son certificat, ses choix.")

ACTOR = "operator"


def register(app: typer.Typer) -> None:
    """Add the commands about the seal."""
    app.add_typer(seal, name="seal")


@seal.command()
def status(organisation: Named = None, as_json: AsJson = False) -> None:
    """Montre le certificat de cachet en service, ceux d’avant, et ce qu’un certificat compromis rend douteux."""
    with platform_open():
        from faitfoi.pipeline.sealing import known_certificates

        chosen = the_organisation(organisation)
        rows = [_told(chosen, row) for row in known_certificates(chosen.id)]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False))
        return
    if not rows:
        typer.echo(
            "Aucun certificat de cachet encore : il est fait au premier besoin, ou importé (faitfoi seal import)."
        )
    for row in rows:
        typer.echo(f"{row['state_fr']} · {row['subject']}")
        typer.echo(f"  SHA-256 {row['fingerprint']}")
        typer.echo(f"  du {row['from']} au {row['until']} · {row['driver_fr']}")
        if row["doubtful"]:
            typer.echo(
                f"  Scellées après le dernier point de contrôle horodaté, donc douteuses : {', '.join(row['doubtful'])}"
                ". Leur cachet ne prouve plus rien ; le journal et son témoin, si."
            )


@seal.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="Le fichier PKCS#12 (.p12 ou .pfx) remis par l’autorité.")],
    organisation: Named = None,
    password_file: Annotated[
        Path | None, typer.Option("--password-file", help="Un fichier avec son mot de passe ; sinon, il est demandé.")
    ] = None,
) -> None:
    """Met en service la clé de l’organisation, remise par une autorité de certification ; l’ancienne est remplacée."""
    try:
        content = path.read_bytes()
        password = password_file.read_text().rstrip("\r\n") if password_file else ""
    except (OSError, UnicodeDecodeError) as error:
        fail(f"Fichier illisible : {error}", code=2)
    if password_file is None:
        password = typer.prompt("Mot de passe du fichier", hide_input=True, default="", show_default=False)
    with platform_open():
        from faitfoi.evidence.keys import KeyRefused
        from faitfoi.pipeline.sealing import bring_in

        chosen = the_organisation(organisation)
        try:
            row = bring_in(chosen, content, password=password, where=path.name, actor=ACTOR)
        except KeyRefused as error:
            fail(str(error), code=2)
        _say_in_service(row)


@seal.command()
def rotate(
    organisation: Named = None,
    rsa: Annotated[bool, typer.Option("--rsa", help="Une clé RSA de 3072 bits plutôt que P-256.")] = False,
) -> None:
    """Met une nouvelle clé en service ; les cachets faits avec l’ancienne restent vérifiés."""
    with platform_open():
        from faitfoi.evidence.keys import KeyRefused
        from faitfoi.pipeline.sealing import rotate as replace_key

        chosen = the_organisation(organisation)
        try:
            row = replace_key(chosen, actor=ACTOR, algorithm="RSA-3072" if rsa else "P-256")
        except KeyRefused as error:
            fail(str(error))
        _say_in_service(row)


@seal.command()
def compromised(
    fingerprint: Annotated[str, typer.Argument(help="L’empreinte du certificat, ou son début (faitfoi seal status).")],
    organisation: Named = None,
) -> None:
    """Déclare une clé compromise : elle ne scelle plus rien, dès maintenant et pour toujours."""
    with platform_open():
        from faitfoi.evidence.keys import KeyRefused
        from faitfoi.pipeline.sealing import declare_compromised

        chosen = the_organisation(organisation)
        try:
            row = declare_compromised(chosen, fingerprint, actor=ACTOR)
        except KeyRefused as error:
            fail(str(error), code=2)
        typer.echo(
            f"Le certificat {row.fingerprint[:16]}… ne scelle plus rien. Ce qu’il a scellé avant le dernier point de "
            f"contrôle horodaté ({row.trusted_size} écritures du journal) reste valable."
        )
        if numbers := _told(chosen, row)["doubtful"]:
            typer.echo(f"Scellées après, donc douteuses : {', '.join(numbers)}.")
        typer.echo("Faites maintenant une autre clé : faitfoi seal rotate (ou faitfoi seal import).")


def _say_in_service(row: "SealCertificate") -> None:
    typer.echo(f"Cachet en service : {row.fingerprint}. Les factures à venir le porteront.")


def _told(organisation: "Organisation", row: "SealCertificate") -> "dict[str, str | list[str]]":
    from cryptography import x509

    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.pipeline.sealing import doubtful
    from faitfoi.records.models import Document

    certificate = x509.load_pem_x509_certificate(row.certificate.encode())
    ids = [each.document_id for each in doubtful(organisation.id, row)]
    with acting_for(organisation.id):
        numbers = dict(Document.objects.filter(id__in=ids).values_list("id", "number"))
    return {
        "fingerprint": row.fingerprint,
        "state": row.state,
        "state_fr": str(row.get_state_display()).capitalize(),
        "driver": row.driver,
        "driver_fr": str(row.get_driver_display()),
        "subject": certificate.subject.rfc4514_string(),
        "from": f"{certificate.not_valid_before_utc:%d/%m/%Y}",
        "until": f"{certificate.not_valid_after_utc:%d/%m/%Y}",
        "doubtful": [numbers[each] for each in ids if each in numbers],
    }
