"""The attestation of an elimination: who asked, who approved, and the fingerprints of what is no more."""

from uuid import UUID
from zoneinfo import ZoneInfo

from faitfoi.accounts.duties import USER
from faitfoi.accounts.models import Organisation, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.attestation_facts import Statement
from faitfoi.pipeline.attesting import issue
from faitfoi.records.models import Attestation, Elimination, JournalEntry
from faitfoi.records.models_archive import AttestationKind

KINDS = ("elimination_requested", "elimination_approved")


def attest_elimination(organisation_id: UUID, elimination_id: UUID, *, actor: str) -> None:
    """Issue the attestation of an elimination, once. Raises what `attesting.issue` raises."""
    with acting_for(organisation_id):
        if Attestation.objects.filter(elimination_id=elimination_id).exists():
            return

    def state() -> Statement:
        return _statement(Organisation.objects.get(id=organisation_id), Elimination.objects.get(id=elimination_id))

    issue(organisation_id, state, actor=actor)


def _statement(organisation: Organisation, elimination: Elimination) -> Statement:
    items = list(elimination.items.select_related("document").order_by("document__number"))
    objects = [
        {"name": f"{item.document.number}, objet {n}", "size": "", "sha256": sha256, "sha512": sha512}
        for item in items
        for n, (sha256, _, sha512) in enumerate((each.partition(" ") for each in item.objects_gone), start=1)
    ]
    erased = JournalEntry.objects.filter(
        kind="document_eliminated", document_id__in=[item.document_id for item in items]
    )
    asked = JournalEntry.objects.filter(kind__in=KINDS, body__contains=f'"elimination":"{elimination.id}"')
    decided = elimination.decided_at.astimezone(ZoneInfo(organisation.zone)) if elimination.decided_at else None
    return Statement(
        kind=AttestationKind.ELIMINATION,
        sentence=f"{organisation.name} atteste avoir éliminé de ses archives, leur durée de conservation passée, les "
        f"{len(items)} pièces ci-dessous : leurs octets et les données qui les décrivaient ne sont plus gardés, sur "
        "aucune copie. Leurs numéros restent employés pour toujours, et leurs empreintes restent ici.",
        elimination_id=elimination.id,
        entry_ids=[*asked.values_list("id", flat=True), *erased.values_list("id", flat=True)],
        rows=[
            ("Demandée par", _person(elimination.requested_by)),
            ("Motif", elimination.reason),
            ("Approuvée par", _person(elimination.decided_by)),
            ("Approuvée le", f"{decided:%d/%m/%Y à %H:%M:%S}" if decided else ""),
            ("Pièces", ", ".join(f"{item.document.number} ({item.document.issue_date:%d/%m/%Y})" for item in items)),
        ],
        objects=objects,
    )


def _person(actor: str) -> str:
    if not actor.startswith(USER):
        return "l’exploitant de l’installation" if actor == "operator" else actor
    user = User.objects.filter(pk=actor.removeprefix(USER)).first()
    return f"{user.name or user.email} ({actor})" if user else actor
