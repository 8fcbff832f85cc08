"""`faitfoi attest`, `retention`, `hold`, `eliminate`, `export`, `import`: the life of an archive."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faitfoi.cli.sending import NamedInFull
from faitfoi.cli.server import fail, platform_open, the_document, the_organisation, write_or_leave

if TYPE_CHECKING:
    from faitfoi.evidence.dossier_check import Verified

ACTOR = "operator"
_PDF = b"%PDF-"
_MOST_BYTES = 64 * 1024 * 1024
_KINDS = {"deposit": "de dépôt", "integrity": "d’intégrité", "communication": "de communication"}


def attest(
    kind: Annotated[str, typer.Argument(help="deposit (dépôt), integrity (intégrité) ou communication.")],
    number: Annotated[str, typer.Argument(help="Le numéro de la facture ou de l’avoir.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Où écrire le PDF.")] = None,
    organisation: NamedInFull = None,
) -> None:
    """Fait une attestation scellée, numérotée et journalisée ; elle se vérifie par « faitfoi verify »."""
    if kind not in _KINDS:
        fail(
            f"« {kind} » n’est pas une attestation d’une facture. Choisissez deposit, integrity ou communication.",
            code=2,
        )
    with platform_open():
        from faitfoi.evidence.witness_wire import WitnessSilent
        from faitfoi.pipeline.attesting import CannotAttest
        from faitfoi.pipeline.sealing import CannotSeal
        from faitfoi.pipeline.statements import attest_document
        from faitfoi.pipeline.witnessing import JournalBehind
        from faitfoi.records.models_archive import AttestationKind

        chosen = the_organisation(organisation)
        document = the_document(chosen, number)
        try:
            issued = attest_document(chosen.id, document.id, AttestationKind(kind), actor=ACTOR)
        except (CannotAttest, CannotSeal, JournalBehind, WitnessSilent) as error:
            fail(str(error))
        target = output or Path(issued.attestation.filename)
        write_or_leave(target, issued.pdf)
        typer.echo(f"{target} : {issued.attestation.reference}, attestation {_KINDS[kind]}, {number}.")


def judge_attestation(path: Path, *, pins: Sequence[str], known: Collection[str] | None) -> "Verified | None":
    """What `faitfoi verify` finds in an attestation; None for a file that is not a PDF. Needs no platform.

    Raises OSError, and ValueError with a French sentence for a PDF that is no attestation.
    """
    from faitfoi.einvoice.xml import Unreadable
    from faitfoi.evidence.attestation import DATA, verify_attestation
    from faitfoi.pipeline.sandbox import Sandbox

    if path.is_dir():
        return None
    with path.open("rb") as file:
        if file.read(len(_PDF)) != _PDF:
            return None
        content = _PDF + file.read(_MOST_BYTES)
    try:
        with Sandbox() as sandbox:
            return verify_attestation(content, sandbox.attached(content, DATA), pins=pins, known=known)
    except Unreadable as error:
        raise ValueError(error.reason) from error
