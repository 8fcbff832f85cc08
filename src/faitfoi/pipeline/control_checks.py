"""The controls of the audit trail, each over the documents of some financial years; they read and change nothing.

Each runs inside `acting_for` and answers with what it looked at, what it found, and what it cannot tell.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from faitfoi.einvoice.amounts import cents
from faitfoi.einvoice.jsonform import from_json
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.reading import Unreadable
from faitfoi.einvoice.rules import check_rules
from faitfoi.pipeline.control_series import Given, read_series
from faitfoi.pipeline.integrity import last_results
from faitfoi.pipeline.linked_documents import REFERENCES, references_of
from faitfoi.records.models import Artefact, AuditSettings, BurntNumber, Delivery, Document, StoredObject
from faitfoi.records.models_document import DocumentKind
from faitfoi.records.stages import Purpose, Stage

LATE = timedelta(days=1)
OVERDUE = timedelta(days=3)
"""Without a control of integrity for so long, nobody can say that what is kept is whole."""
HALF_A_CENT = Decimal("0.005")
"""What rounding may add to or take from the tax of one line."""
ARITHMETIC = frozenset({*(f"BR-CO-{number}" for number in range(10, 18)), "BR-S-08", "BR-S-09"})
STOPPED = {
    Stage.ROUTED: "est prête depuis plus d’un jour et n’est pas partie : prévenez la personne qui gère l’installation",
    Stage.HELD: "est retenue, car un réglage ou un identifiant manque : sa page dit lequel",
    Stage.TO_FIX: "attend une correction : sa page dit laquelle",
    Stage.UNKNOWN: "a peut-être été reçue, sans qu’on le sache : sa page dit à qui le demander",
    Stage.RETURNED: "est revenue, et le client ne l’a pas : sa page dit quoi faire",
    Stage.REJECTED: "a été rejetée après son dépôt : sa page dit pourquoi",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing that somebody should look at: a French sentence, and the document that it is about, if there is one.

    `untold` marks what the control cannot tell, rather than what is wrong.
    """

    sentence: str
    number: str = ""
    document: str = ""
    day: date | None = None
    untold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one control looked at and what it says of it."""

    checked: int
    said: tuple[Found, ...]


def sequence(since: date) -> Outcome:
    """Look for absent numbers in each series of each seller."""
    burnt = BurntNumber.objects.filter(document__issue_date__gte=since).values_list(
        "number", "document__issue_date", "seller_siren", "document_id"
    )
    numbers = [Given(number=n, day=day, seller=seller, document=str(pk)) for n, day, seller, pk in burnt.iterator()]
    reading = read_series(numbers)
    said = [
        Found(
            sentence=(
                f"Il manque le numéro {gap.first}"
                if gap.missing == 1
                else f"Il manque {gap.missing} numéros, de {gap.first} à {gap.last}"
            )
            + f" entre {gap.before.number} ({gap.before.day:%d/%m/%Y}) et {gap.after.number} "
            f"({gap.after.day:%d/%m/%Y}). Retrouvez-les dans le logiciel de facturation, ou notez "
            "pourquoi ils n’ont pas servi.",
            number=gap.after.number,
            document=gap.after.document,
            day=gap.after.day,
        )
        for gap in reading.gaps
    ]
    said += [
        Found(
            sentence=each.sentence,
            number=each.sample.number,
            document=each.sample.document,
            day=each.sample.day,
            untold=True,
        )
        for each in reading.untold
    ]
    return Outcome(checked=len(numbers), said=tuple(said))


def unsent(since: date) -> Outcome:
    """Look for documents that are sealed and that the customer does not have by a legal way."""
    later = Delivery.objects.filter(
        document=OuterRef("document"), purpose=Purpose.LEGAL, sequence__gt=OuterRef("sequence")
    )
    last = Delivery.objects.filter(~Exists(later), purpose=Purpose.LEGAL, document=OuterRef("pk"))
    documents = _documents(since).annotate(
        stage=Subquery(last.values("stage")[:1]), since=Subquery(last.values("created_at")[:1])
    )
    before = timezone.now() - LATE
    said = []
    for document in documents.iterator():
        why = ""
        if document.stage is None:
            why = "n’a aucun envoi : ouvrez sa page et relancez-la"
        elif document.stage != Stage.ROUTED or document.since < before:
            why = STOPPED.get(Stage(document.stage), "")
        # What it waits for names it already, and says what to do.
        if sentence := document.waiting_for or (f"{_the(document)} {why}." if why else ""):
            said.append(_about(document, sentence))
    return Outcome(checked=documents.count(), said=tuple(said))


def altered(since: date) -> Outcome:
    """Tell which documents the nightly control of integrity could read from no copy; nothing is read again here."""
    reread = last_results()
    if reread.at is None:
        if not StoredObject.objects.exists():
            return Outcome(checked=0, said=())
        sentence = "Aucune relecture n’a encore eu lieu : la première se fait la nuit prochaine."
        return Outcome(checked=0, said=(Found(sentence=sentence, untold=True),))
    said: list[Found] = []
    if timezone.now() - reread.at > OVERDUE:
        sentence = (
            f"La dernière relecture date du {timezone.localtime(reread.at):%d/%m/%Y} : il s’en fait une chaque nuit. "
            "Prévenez la personne qui gère cette installation : le service qui la fait (worker) est sans doute arrêté."
        )
        said.append(Found(sentence=sentence, untold=True))
    if reread.lost:
        many = (
            f"{len(reread.lost)} paquets de fichiers ne sont plus intacts"
            if len(reread.lost) > 1
            else ("Un paquet de fichiers n’est plus intact")
        )
        sentence = (
            f"{many} sur aucune copie de l’archive. Les fichiers nommés ici ne se lisent plus, les autres se lisent "
            "encore. Prévenez la personne qui gère cette installation : une sauvegarde du coffre doit le rendre."
        )
        said.append(Found(sentence=sentence))
    unlisted = StoredObject.objects.filter(pack__in=reread.unlisted).values("sha256")
    gone = Artefact.objects.filter(Q(sha256__in=unlisted) | Q(sha256__in=reread.gone), document__issue_date__gte=since)
    for artefact in gone.select_related("document"):
        sentence = (
            f"{_the(artefact.document)} : aucune copie de l’archive ne rend plus son fichier "
            f"« {artefact.get_role_display()} ». Prévenez la personne qui gère cette installation : une sauvegarde du "
            "coffre doit le rendre."
        )
        said.append(_about(artefact.document, sentence))
    return Outcome(checked=reread.objects, said=tuple(said))


def vat(since: date) -> Outcome:
    """Compute again the tax of each rate and the totals of each document, and tell the differences in cents."""
    said: list[Found] = []
    checked = 0
    for document, invoice in _invoices(since, unread=said):
        checked += 1
        broken = [finding for finding in check_rules(invoice) if finding.rule in ARITHMETIC]
        said += [_about(document, f"{_the(document)} : {finding.message_fr} ({finding.rule})") for finding in broken]
        said += [_about(document, f"{_the(document)} : {told}") for told in _differences(invoice)]
    return Outcome(checked=checked, said=tuple(said))


def references(since: date) -> Outcome:
    """Look for the references that the organisation wants on its invoices, and for those that two invoices share."""
    settings = AuditSettings.objects.first() or AuditSettings()
    said, checked = [], 0
    seen: dict[tuple[str, str, str], list[Document]] = defaultdict(list)
    for document, invoice in _invoices(since):
        checked += 1
        held = references_of(invoice)
        if document.kind == DocumentKind.CREDIT_NOTE:
            continue  # it names again what the invoice named
        terms = {each.term for each in held}
        said += [
            _about(document, f"{_the(document)} ne porte pas de {REFERENCES[term].label} ({term}).")
            for term in settings.required
            if term not in terms and term in REFERENCES
        ]
        for term, value in {(each.term, each.value) for each in held if each.term in settings.unique}:
            seen[document.buyer_name, term, value].append(document)
    for (buyer, term, value), documents in sorted(seen.items(), key=lambda each: each[0]):
        if len(documents) > 1:
            numbers = ", ".join(each.number for each in documents)
            sentence = (
                f"{REFERENCES[term].label.capitalize()} {value} ({term}, {buyer}) est sur {len(documents)} factures : "
                f"{numbers}. Vérifiez qu’elle n’a pas été facturée deux fois."
            )
            said.append(_about(documents[-1], sentence))
    return Outcome(checked=checked, said=tuple(said))


def corrections(since: date) -> Outcome:
    """Look for credit notes that do not say which invoice they correct (BT-25), or name one that is not here."""
    said, checked = [], 0
    for document, invoice in _invoices(since, kind=DocumentKind.CREDIT_NOTE):
        checked += 1
        if not invoice.preceding_invoices:
            said.append(
                _about(
                    document,
                    f"{_the(document)} ne dit pas quelle facture il corrige (BT-25) : notez-le, et faites-le porter "
                    "par le logiciel de facturation.",
                )
            )
        for preceding in invoice.preceding_invoices:
            if not Document.objects.filter(number=preceding.number, seller_siren=document.seller_siren).exists():
                sentence = (
                    f"{_the(document)} corrige la facture {preceding.number}, qui n’est pas dans Faitfoi : "
                    "on ne peut pas dire si elle existe ni ce qu’il en reste à payer."
                )
                said.append(_about(document, sentence, untold=True))
    return Outcome(checked=checked, said=tuple(said))


def _differences(invoice: Invoice) -> Iterator[str]:
    """Tell each tax that is further from its base times its rate than rounding each line would explain."""
    explained = HALF_A_CENT * (len(invoice.lines) + 1)
    for part in invoice.vat_breakdown:
        if part.taxable_amount is None or part.tax_amount is None or part.rate is None:
            continue
        exact = cents(part.taxable_amount * part.rate / 100)
        difference = abs(part.tax_amount - exact)
        if difference > explained:
            yield (
                f"au taux de {_plain(part.rate)} %, la TVA est de {_plain(part.tax_amount)} pour une base de "
                f"{_plain(part.taxable_amount)}, {_plain(exact)} une fois recalculée. L’écart de {_plain(difference)} "
                f"{invoice.currency} est plus que des arrondis ligne à ligne ({_plain(explained)})."
            )


def _plain(amount: Decimal) -> str:
    return f"{amount:f}".replace(".", ",")


def _documents(since: date) -> QuerySet[Document]:
    return Document.objects.filter(issue_date__gte=since).order_by("issue_date", "id")


def _invoices(since: date, *, kind: str = "", unread: list[Found] | None = None) -> Iterator[tuple[Document, Invoice]]:
    """Read the documents' invoices again; those that cannot be read are added to `unread`."""
    documents: Iterable[Document] = _documents(since).filter(**({"kind": kind} if kind else {})).iterator(500)
    for document in documents:
        try:
            yield document, from_json(json.dumps(document.invoice).encode())
        except Unreadable:
            if unread is not None:
                sentence = f"{_the(document)} ne se relit pas ici : ses montants ne peuvent pas être recalculés."
                unread.append(_about(document, sentence, untold=True))


def _about(document: Document, sentence: str, *, untold: bool = False) -> Found:
    return Found(
        sentence=sentence, number=document.number, document=str(document.pk), day=document.issue_date, untold=untold
    )


def _the(document: Document) -> str:
    article = "L’avoir" if document.kind == DocumentKind.CREDIT_NOTE else "La facture"
    return f"{article} {document.number}"
