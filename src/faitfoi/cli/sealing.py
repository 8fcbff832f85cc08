"""`faitfoi seal`: the key an organisation seals with, and what becomes of it."""

import json
from pathlib import Path
from ssl import PEM_cert_to_DER_cert
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
        if row["state"] == "active":
            typer.echo(f"  {row['legal_way_fr']} ({row['legal_source']})")
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
        from faitfoi.pipeline.seal_keys import bring_in

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
        from faitfoi.pipeline.seal_keys import rotate as replace_key

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
        from faitfoi.pipeline.seal_keys import declare_compromised

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


@seal.command()
def use(
    driver: Annotated[str, typer.Argument(help="pkcs11 (module matériel) ou csc (service à distance).")],
    values: Annotated[list[str], typer.Argument(help="nom=valeur… ; « nom=- » demande la valeur sans la montrer.")],
    organisation: Named = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="Certificats (PEM) d’une clé PKCS#11 qui ne les contient pas.")
    ] = None,
) -> None:
    """Met en service une clé gardée ailleurs, après un essai ; ses réglages sont gardés chiffrés.

    pkcs11 : module, token, pin, label. csc : url, credential, puis token, ou client_id et client_secret ; pin, timeout.
    """
    given = dict(_pair(value) for value in values)
    try:
        pem = certificate.read_bytes() if certificate else b""
    except OSError as error:
        fail(f"Fichier illisible : {error}", code=2)
    with platform_open():
        from faitfoi.evidence.keys import KeyRefused, SignerRefused, SignerSilent
        from faitfoi.pipeline.seal_keys import use as use_key
        from faitfoi.records.models_seal import SealDriver

        chosen = the_organisation(organisation)
        if driver not in {SealDriver.PKCS11, SealDriver.CSC}:
            fail(f"« {driver} » n’est pas un endroit pour une clé : choisissez pkcs11 ou csc.", code=2)
        try:
            row = use_key(chosen, SealDriver(driver), given, pem=pem, actor=ACTOR)
        except (KeyRefused, SignerSilent, SignerRefused, ValueError) as error:
            fail(str(error), code=2)
        _say_in_service(row)


@seal.command()
def choose(
    organisation: Named = None,
    level: Annotated[str, typer.Option("--level", help="B-B (le cachet) ou B-T (cachet horodaté).")] = "B-B",
    without_stamp: Annotated[
        str, typer.Option("--without-stamp", help="Si l’horodatage manque : wait (attendre) ou checkpoint (sceller).")
    ] = "wait",
    visible: Annotated[
        str,
        typer.Option("--visible", help="« x y largeur hauteur » en points, en première page ; vide : invisible."),
    ] = "",
) -> None:
    """Choisit ce que portent les cachets de l’organisation."""
    with platform_open():
        from faitfoi.evidence.keys import KeyRefused
        from faitfoi.pipeline.seal_keys import choose as keep_choices
        from faitfoi.records.models_seal import SealLevel, WithoutStamp

        chosen = the_organisation(organisation)
        try:
            wanted, otherwise = SealLevel(level), WithoutStamp(without_stamp)
        except ValueError:
            fail("--level est B-B ou B-T ; --without-stamp est wait ou checkpoint.", code=2)
        try:
            keep_choices(chosen, level=wanted, without_stamp=otherwise, place=visible, actor=ACTOR)
        except (KeyRefused, ValueError) as error:
            fail(str(error), code=2)
        typer.echo(f"Désormais : {wanted.label}. Sans horodatage : {otherwise.label}.")
        typer.echo(f"Cachet visible : {visible}." if visible else "Cachet invisible sur la page.")


@seal.command()
def check(
    paths: Annotated[list[Path], typer.Argument(help="Des PDF signés, par nous ou par d’autres.")],
    as_json: AsJson = False,
) -> None:
    """Juge les signatures de PDF. Code 0 : toutes tiennent ; 1 : une ne tient pas, ou manque ; 2 : illisible."""
    from faitfoi.cli.library_files import read_file
    from faitfoi.einvoice.xml import Unreadable
    from faitfoi.pipeline.sandbox import Sandbox

    code = 0
    with Sandbox() as sandbox:
        for path in paths:
            try:
                verdict = sandbox.judge_signatures(read_file(path))
            except Unreadable as error:
                typer.echo(f"{path} : {error.reason}", err=True)
                code = 2
                continue
            if as_json:
                said = {"file": str(path), "sound": verdict.sound, "sentence": verdict.sentence, **verdict.facts()}
                typer.echo(json.dumps(said, ensure_ascii=False))
            else:
                typer.echo(f"{'✓' if verdict.sound else '✗'} {path} : {verdict.sentence}")
                for each in verdict.signatures:
                    typer.echo(f"    {each.signer or 'signataire illisible'} {each.claimed_at} : {each.sentence}")
            code = max(code, 0 if verdict.sound else 1)
    if not as_json:
        typer.echo("L’identité des signataires, et la confiance due à leur autorité, ne sont pas jugées ici.", err=True)
    raise typer.Exit(code)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        fail(f"« {text} » : écrivez nom=valeur.", code=2)
    return name, typer.prompt(name, hide_input=True) if value == "-" else value


def _say_in_service(row: "SealCertificate") -> None:
    typer.echo(f"Cachet en service : {row.fingerprint}. Les factures à venir le porteront.")


def _told(organisation: "Organisation", row: "SealCertificate") -> "dict[str, str | list[str]]":
    from cryptography import x509

    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.evidence.seal_check import legal_way
    from faitfoi.pipeline.sealing import doubtful
    from faitfoi.records.models import Document

    way = legal_way(PEM_cert_to_DER_cert(row.certificate))
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
        "legal_way": way.way.value,
        "legal_way_fr": way.sentence,
        "legal_source": way.source,
        "doubtful": [numbers[each] for each in ids if each in numbers],
    }
