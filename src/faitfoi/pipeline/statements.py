"""What can be attested of one document: that it was deposited, that it is whole, what was sent of it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from uuid import UUID
from zoneinfo import ZoneInfo

from faitfoi.accounts.models import Organisation
from faitfoi.evidence.seal_check import SealState, check_seal
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.evidence.store import digest_of
from faitfoi.pipeline import archive
from faitfoi.pipeline.attestation_facts import Statement
from faitfoi.pipeline.attesting import CannotAttest, Issued, issue
from faitfoi.pipeline.sealing import certificates_of
from faitfoi.records.models import Artefact, Delivery, Document, Event, JournalEntry
from faitfoi.records.models_archive import AttestationKind
from faitfoi.records.models_document import DocumentKind
from faitfoi.records.stages import ArtefactRole, Purpose, Stage

SEALED = ("document_sealed", "document_rendered")
OF_A_DOCUMENT = (AttestationKind.DEPOSIT, AttestationKind.INTEGRITY, AttestationKind.COMMUNICATION)
"""The attestations that can be asked for one document."""
_NOT_LEFT = frozenset({Stage.ROUTED, Stage.SENDING, Stage.TO_FIX, Stage.HELD, Stage.TO_FIND})


def attest_document(organisation_id: UUID, document_id: UUID, kind: AttestationKind, *, actor: str) -> Issued:
    """Issue an attestation about one document; outside any transaction.

    Raises Document.DoesNotExist, CannotAttest when it is not so (a damaged file, nothing sent yet), and what `issue`
    raises.
    """
    tell: Callable[[Organisation, Document], Statement] = {
        AttestationKind.DEPOSIT: _deposit,
        AttestationKind.INTEGRITY: _integrity,
        AttestationKind.COMMUNICATION: _communication,
    }[kind]

    def state() -> Statement:
        return tell(Organisation.objects.get(id=organisation_id), Document.objects.get(id=document_id))

    return issue(organisation_id, state, actor=actor)


def _deposit(organisation: Organisation, document: Document) -> Statement:
    day = document.created_at.astimezone(ZoneInfo(organisation.zone))
    return Statement(
        kind=AttestationKind.DEPOSIT,
        sentence=f"{organisation.name} atteste que {_called(document)} a été versé à ses archives le "
        f"{day:%d/%m/%Y à %H:%M:%S}, sous les empreintes ci-dessous.",
        document_id=document.id,
        entry_ids=_sealing(document),
        rows=_named(document),
        objects=[_file(artefact) for artefact in document.artefacts.order_by("id")],
    )


def _integrity(organisation: Organisation, document: Document) -> Statement:
    artefacts = list(document.artefacts.order_by("id"))
    certificates = certificates_of(organisation.id)
    for artefact in artefacts:
        _refuse_if_damaged(artefact, certificates=certificates)
    return Statement(
        kind=AttestationKind.INTEGRITY,
        sentence=f"{organisation.name} atteste avoir relu, pour cette attestation, chaque octet des fichiers de "
        f"{_called(document)} : leurs deux empreintes sont celles que le journal a notées au versement, et les "
        "cachets tiennent.",
        document_id=document.id,
        entry_ids=_sealing(document),
        rows=_named(document),
        objects=[_file(artefact) for artefact in artefacts],
    )


def _communication(organisation: Organisation, document: Document) -> Statement:
    deliveries = [
        each for each in document.deliveries.select_related("artefact").order_by("id") if each.stage not in _NOT_LEFT
    ]
    if not deliveries:
        raise CannotAttest(
            f"Rien n’est encore parti pour {_called(document)} : il n’y a pas de communication à attester. "
            "Attendez l’envoi, ou demandez une attestation de dépôt."
        )
    moved = JournalEntry.objects.filter(document_id=document.id, kind="stage_moved").order_by("id")
    carried = {each.artefact_id: each.artefact for each in deliveries if each.purpose != Purpose.NOTICE}
    return Statement(
        kind=AttestationKind.COMMUNICATION,
        sentence=f"{organisation.name} atteste avoir communiqué {_called(document)} comme suit. Un serveur qui accepte "
        "n’est pas un destinataire qui a lu : chaque étape dit exactement ce qui a été constaté.",
        document_id=document.id,
        entry_ids=[*_sealing(document), *moved.values_list("id", flat=True)],
        rows=_named(document),
        objects=[_file(artefact) for artefact in carried.values()],
        tables={
            f"Envoi {n} : {each.get_purpose_display()}": list(_sending(organisation, each))
            for n, each in enumerate(deliveries, start=1)
        },
    )


def _sending(organisation: Organisation, delivery: Delivery) -> Iterator[tuple[str, str]]:
    yield "Canal", delivery.get_channel_display()
    yield "Adresse", delivery.address
    if delivery.purpose == Purpose.NOTICE:
        yield "Fichier envoyé", "aucun : c’est un avis"
    else:
        yield "Fichier envoyé", delivery.artefact.filename
    yield "Où il en est", delivery.get_stage_display()
    for event in delivery.events.order_by("at", "id"):
        at = event.at.astimezone(ZoneInfo(organisation.zone))
        ours = event.axis == Event.Axis.OURS
        said = Stage(event.code).label if ours and event.code in Stage.values else event.code
        who = "nous" if ours else event.who or "l’autre côté"
        yield f"{at:%d/%m/%Y %H:%M:%S}", f"{said} ({who}){f' : {event.reason}' if event.reason else ''}"


def _refuse_if_damaged(artefact: Artefact, *, certificates: Collection[bytes]) -> None:
    try:
        content = archive.fetch(artefact.organisation_id, artefact.sha256)
    except (ObjectMissing, ObjectAltered) as error:
        raise CannotAttest(f"{error} L’intégrité ne peut pas être attestée.") from error
    if digest_of(content).sha512 != artefact.sha512:
        raise CannotAttest(f"Le fichier {artefact.filename} n’a pas la seconde empreinte notée au versement.")
    if artefact.sealed and (state := check_seal(content, certificates)) is not SealState.INTACT:
        raise CannotAttest(f"Le cachet du fichier {artefact.filename} ne tient pas ({state.value}).")


def _sealing(document: Document) -> list[UUID]:
    entries = JournalEntry.objects.filter(document_id=document.id, kind__in=SEALED)
    return list(entries.order_by("id").values_list("id", flat=True))


def _called(document: Document) -> str:
    article = "la facture" if document.kind == DocumentKind.INVOICE else "l’avoir"
    return f"{article} {document.number} du {document.issue_date:%d/%m/%Y}"


def _named(document: Document) -> list[tuple[str, str]]:
    return [
        ("Document", f"{DocumentKind(document.kind).label} {document.number}"),
        ("Émis le", f"{document.issue_date:%d/%m/%Y}"),
        ("Vendeur", f"{document.seller_name} ({document.seller_siren})"),
        ("Client", document.buyer_name),
        ("Montant TTC", f"{document.total_with_vat:.2f} {document.currency}".replace(".", ",")),
        ("Identifiant", str(document.id)),
    ]


def _file(artefact: Artefact) -> Mapping[str, str]:
    return {
        "name": f"{ArtefactRole(artefact.role).label.capitalize()} : {artefact.filename}",
        "role": artefact.role,
        "filename": artefact.filename,
        "size": str(artefact.size),
        "sha256": artefact.sha256,
        "sha512": artefact.sha512,
    }
