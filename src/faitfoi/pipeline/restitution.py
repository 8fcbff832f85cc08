"""The attestation handed over with an export: what its parts are, and that they are the whole archive."""

from pathlib import Path
from uuid import UUID

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.attestation_facts import Statement
from faitfoi.pipeline.attesting import issue
from faitfoi.pipeline.exporting import Exported, digests_of_parts
from faitfoi.records.journal import write_entry
from faitfoi.records.models_archive import AttestationKind


def attest_restitution(organisation_id: UUID, done: Exported, target: Path, *, actor: str) -> str:
    """Journal a finished export and put its attestation beside its parts, once; returns the file's name.

    Outside any transaction. Raises what `attesting.issue` raises.
    """
    known = sorted(target.glob("attestation-*.pdf"))
    if known:
        return known[0].name
    digests = digests_of_parts(done.parts)
    with acting_for(organisation_id):
        entry_id = write_entry(
            "archive_exported", actor=actor, fingerprints=digests[:400], parts=len(done.parts), size=done.size
        )

    def state() -> Statement:
        organisation = Organisation.objects.get(id=organisation_id)
        return Statement(
            kind=AttestationKind.RESTITUTION,
            sentence=f"{organisation.name} atteste que les parties ci-dessous sont toute son archive telle que le "
            f"journal la portait à {done.size} écritures. Chaque partie est un paquet BagIt ; ce qui est nommé ici est "
            "sa liste des listes (tagmanifest-sha512.txt), qui les couvre toutes.",
            entry_ids=[entry_id],
            rows=[("Fichiers", str(done.objects)), ("Écritures", str(done.entries))],
            objects=[
                {"name": part.name, "size": "", "sha256": digests[2 * n], "sha512": digests[2 * n + 1]}
                for n, part in enumerate(done.parts)
            ],
        )

    issued = issue(organisation_id, state, actor=actor)
    draft = target / ".attestation.draft"
    draft.write_bytes(issued.pdf)
    draft.rename(target / issued.attestation.filename)
    return issued.attestation.filename
