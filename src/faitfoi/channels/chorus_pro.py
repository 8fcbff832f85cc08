"""Chorus Pro by PISTE: deposit a flow, ask what became of it, follow the invoice to its payment.

French contracts §1. Settings (all text, of the organisation):

    api_url             address of the API, up to and with /cpro
    token_url           address of the OAuth2 token service
    client_id           of the PISTE application, for the environment of the two addresses
    client_secret
    technical_login     of the Chorus Pro technical account (compte technique)
    technical_password
    avec_signature      "true" to tell Chorus Pro that the deposited PDF is sealed; "false" by default
    depot               "flux" (by default), "soumettre" (field by field) or "pdf" (the PDF, then its fields)
    format_flux         of a flow: "facturx" (by default), "cii" or "ubl"; the pipeline writes it so
    factures_par_flux   how many invoices of one chunk may share a flow (.tar.gz), 1 to 50; 1 by default
    timeout             seconds for one question and its answer; 30 by default

The environment is read from the addresses (PISTE production, PISTE qualification, or a simulator on loopback); a mixed
pair is refused. `Parcel.address` is the recipient's SIRET, which the deposited XML carries itself; `Parcel.references`
are `numeroFluxDepot` and `syntaxeFlux`, and `identifiantFactureCPP` when the invoice was found by its number.
A flow has no place for annexes: they are not carried, and the receipt says so.

When a person must decide: Chorus Pro cannot search for a flow whose number was lost, and shows an invoice only once its
flow is integrated; one whose flow was rejected never appears. So after a lost answer `find` proves presence, never
absence: once asking has lasted long enough, someone looks at the portal and says.
"""

import base64
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

from faitfoi.channels.chorus_pro_acts import act_on, tell_act
from faitfoi.channels.chorus_pro_archive import is_sealed_pdf, pack_flow, shares_flow, together_by
from faitfoi.channels.chorus_pro_codes import (
    PARIS,
    action_event,
    flow_event,
    flow_states,
    objects,
    read_instant,
    return_codes,
    status_event,
    text,
)
from faitfoi.channels.chorus_pro_deposit import ALONE, IN_FLOW, check_size, choose_syntax, judge_deposit
from faitfoi.channels.chorus_pro_http import Account, BusinessError, Connection
from faitfoi.channels.chorus_pro_settings import read_choice, read_format, read_timeout
from faitfoi.channels.chorus_pro_structures import find_structure, look_up
from faitfoi.channels.chorus_pro_submission import Mode, read_mode, submit
from faitfoi.channels.contract import (
    Act,
    Answer,
    CannotTell,
    Found,
    NotFound,
    NotSent,
    Parcel,
    Receipt,
    Refused,
    RemoteEvent,
)
from faitfoi.channels.http_wire import Environment
from faitfoi.channels.structures import StructureTold

DEPOSIT = "factures/v1/deposer/flux"
FLOW_STATE = "transverses/v1/consulterCRDetaille"
SEARCH = "factures/v1/rechercher/fournisseur"
HISTORY = "factures/v1/consulter/historique"

PAGE_SIZE = 100
MAX_PAGES = 1000
DATE_WINDOW = timedelta(days=1)  # a legal day told with an hour may fall on its neighbour

REQUIRED = ("api_url", "token_url", "client_id", "client_secret", "technical_login", "technical_password")


class ChorusPro:
    """The Channel `chorus_pro`. Keeps its token and connections between calls; used by one thread."""

    key = "chorus_pro"
    asks = polls = True
    goes_with = staticmethod(shares_flow)
    # Their intake takes minutes to integrate a flow, and only then can its invoice be searched for.
    settles_in = timedelta(minutes=15)

    def __init__(self, settings: dict[str, str]) -> None:
        """Read the settings. Raises ValueError (French) naming the one that is missing or impossible."""
        missing = [name for name in REQUIRED if not settings.get(name, "").strip()]
        if missing:
            raise ValueError(f"Il manque aux réglages de Chorus Pro : {', '.join(missing)}. Complétez-les.")
        self._timeout = read_timeout(settings.get("timeout", ""))
        self._signed = read_choice(settings.get("avec_signature", ""))
        self._mode = read_mode(settings.get("depot", ""))
        self.together = together_by(settings)
        read_format(settings.get("format_flux", ""))  # the pipeline's, who writes: said here when it is impossible
        self._suppliers: dict[str, int] = {}
        self._connection = Connection(
            Account(
                api_url=settings["api_url"].strip(),
                token_url=settings["token_url"].strip(),
                client_id=settings["client_id"].strip(),
                client_secret=settings["client_secret"].strip(),
                technical_login=settings["technical_login"].strip(),
                technical_password=settings["technical_password"],
                timeout=self._timeout,
            )
        )
        # A token, the deposit, and both once more when the token is refused.
        self.deadline = timedelta(seconds=4 * self._timeout)

    @property
    def environment(self) -> Environment:
        """Tell where the deposits go: production, qualification or a simulator."""
        return self._connection.environment

    def close(self) -> None:
        """Give back connections and forget the token."""
        self._connection.close()

    def check(self, siret: str) -> date | None:
        """Try token, technical account and rights; the last day of the technical password, where it is told."""
        told = self.structure(siret)
        return told.password_expires_on if told else None

    def structure(self, siret: str, *, services: Iterable[str] = ()) -> StructureTold | None:
        """Ask what a public structure wants of an invoice; None when Chorus Pro does not have it. Raises NotSent."""
        return look_up(self._connection, siret, services=services)

    def send(self, parcel: Parcel) -> Receipt:
        """Deposit the artefact, by the mode of the customer or of the organisation.

        Raises NotSent, Refused or OutcomeUnknown.
        """
        until = time.monotonic() + self.deadline.total_seconds()
        mode = self._mode_of(parcel)
        if mode is not Mode.FLOW:
            check_size(parcel)
            supplier = self._supplier(parcel.seller_siret, until=until)
            return submit(self._connection, parcel, mode=mode, supplier=supplier, signed=self._signed, until=until)
        try:
            return self._deposit_flow(parcel, until=until)
        except Refused as error:
            if not parcel.others:
                raise
            raise Refused(error.reason, code=error.code, together=True) from None

    def _deposit_flow(self, parcel: Parcel, *, until: float) -> Receipt:
        """Deposit one flow, of one invoice or of several. Raises NotSent, Refused, OutcomeUnknown."""
        name, content = pack_flow(parcel)
        syntax = choose_syntax(parcel)
        body: dict[str, object] = {
            "fichierFlux": base64.b64encode(content).decode("ascii"),
            "nomFichier": name,
            "syntaxeFlux": syntax,
            "avecSignature": is_sealed_pdf(syntax, signed=self._signed),
        }
        reply = self._connection.deposit(DEPOSIT, body, until=until)
        return judge_deposit(reply, parcel=parcel, syntax=syntax)

    def _mode_of(self, parcel: Parcel) -> Mode:
        """The customer's mode, told by the pipeline among the settings, else the organisation's. Raises NotSent."""
        try:
            return read_mode(parcel.settings.get("depot", "")) if parcel.settings.get("depot") else self._mode
        except ValueError as error:
            problem = NotSent(str(error), precondition=True)
        raise problem

    def _supplier(self, siret: str, *, until: float) -> int:
        """The seller's idStructureCPP, asked for once. Raises NotSent."""
        if siret not in self._suppliers:
            try:
                found = find_structure(self._connection, siret, until=until)
            except BusinessError as error:
                found = None
                problem = NotSent(f"Chorus Pro n’a pas su dire qui vous êtes (code {error.quoted}).")
            else:
                problem = NotSent(
                    f"Chorus Pro ne connaît pas le SIRET {siret} du vendeur : créez votre structure sur le portail, ou "
                    "corrigez le SIRET de votre organisation.",
                    precondition=True,
                )
            if found is None:
                raise problem
            self._suppliers[siret] = found
        return self._suppliers[siret]

    def find(self, parcel: Parcel) -> Answer:
        """Ask whether the invoice has arrived: by the flow's number if we were told it, else by the invoice's own."""
        flow = parcel.references.get("numeroFluxDepot", "")
        try:
            return self._find_flow(parcel, flow) if flow else self._find_invoice(parcel)
        except NotSent as error:
            return CannotTell(ask_again=True, detail=error.reason)
        except BusinessError as error:
            return CannotTell(ask_again=True, detail=f"Chorus Pro n’a pas su répondre (code {error.quoted}).")

    def poll(self, parcel: Parcel) -> tuple[RemoteEvent, ...]:
        """Give all that Chorus Pro says of the flow, then of the invoice. Raises NotSent when it cannot be asked."""
        events: list[RemoteEvent] = []
        flow = parcel.references.get("numeroFluxDepot", "")
        try:
            if flow:
                report, raw = self._connection.ask(FLOW_STATE, _flow_question(parcel, flow))
                shared = parcel.references.get(IN_FLOW, ALONE) != ALONE
                told = flow_event(report, raw, flow=flow, number=parcel.number, issued=parcel.issue_date, shared=shared)
                events.append(told)
                if not _shows_invoices(events[0].code):
                    return tuple(events)
            criterion = {"numeroFluxDepot": flow} if flow else {"numeroFacture": parcel.number}
            for row in self._search(criterion):
                if _is_ours(row, parcel):
                    events.extend(self._follow(row, parcel))
        except BusinessError as error:
            reason = f"Chorus Pro n’a pas su dire où en est la facture (code {error.quoted})."
            raise NotSent(reason, answered=True) from None
        return tuple(sorted(events, key=lambda event: event.at))

    def act(self, parcel: Parcel, act: Act) -> Receipt:
        """Recycle, complete or acknowledge (`chorus_pro_acts`). Raises NotSent, Refused, OutcomeUnknown."""
        until = time.monotonic() + self.deadline.total_seconds()
        return act_on(self._connection, parcel, act, invoice=self._invoice_of(parcel), until=until)

    def acted(self, parcel: Parcel, act: Act) -> Answer:
        """Ask the invoice's history whether an act whose answer was lost was done. Never acts."""
        try:
            invoice = self._invoice_of(parcel)
            events = [event for row in self._ours(parcel) for event in self._follow(row, parcel)]
        except (NotSent, Refused) as error:
            return CannotTell(ask_again=True, detail=error.reason)
        except BusinessError as error:
            return CannotTell(ask_again=True, detail=f"Chorus Pro n’a pas su répondre (code {error.quoted}).")
        return tell_act(events, act, number=parcel.number, invoice=invoice, account=self._connection.login)

    def _invoice_of(self, parcel: Parcel) -> str:
        """The identifiantFactureCPP, asked for when no answer has told it. Raises NotSent, Refused."""
        if known := parcel.references.get("identifiantFactureCPP", ""):
            return known
        try:
            for row in self._ours(parcel):
                return text(row.get("identifiantFactureCPP"))
        except BusinessError as error:
            problem = f"Chorus Pro n’a pas su dire où est la facture {parcel.number} (code {error.quoted})."
            raise NotSent(problem) from None
        raise Refused(f"Chorus Pro ne montre pas la facture {parcel.number}. Regardez-la sur le portail.")

    def _ours(self, parcel: Parcel) -> Iterator[dict[str, object]]:
        return (row for row in self._search({"numeroFacture": parcel.number}) if _is_ours(row, parcel))

    def _find_flow(self, parcel: Parcel, flow: str) -> Answer:
        try:
            _, raw = self._connection.ask(FLOW_STATE, _flow_question(parcel, flow))
        except BusinessError as error:
            known = return_codes().get(("consulterCRDetaille", error.code))
            if known is None or known.meaning != "unknown_deposit":
                raise
            # They gave this number themselves: that they do not know it any more proves nothing.
            detail = f"Chorus Pro ne connaît pas (ou plus) le dépôt {flow}. Cherchez-le sur le portail."
            return NotFound(conclusive=False, detail=detail)
        return Found(receipt=Receipt(references=dict(parcel.references), raw=raw, detail=f"Dépôt {flow} retrouvé."))

    def _find_invoice(self, parcel: Parcel) -> Answer:
        rows = list(self._search({"numeroFacture": parcel.number}))
        ours = [row for row in rows if _is_ours(row, parcel)]
        if not ours:
            others = sum(text(row.get("numeroFacture")) == parcel.number for row in rows)
            aside = f" {others} facture(s) de ce numéro viennent d’un autre fournisseur ou d’une autre date."
            return NotFound(
                conclusive=False,
                detail=f"Chorus Pro ne montre pas encore la facture {parcel.number} du fournisseur "
                f"{parcel.seller_siret}. Il ne montre une facture qu’une fois son dépôt intégré, et jamais celle d’un "
                f"dépôt rejeté : cette absence ne prouve rien.{aside if others else ''} Si elle dure, regardez les "
                "dépôts du jour sur le portail, puis dites si la facture y est.",
            )
        references = {
            name: value for name in ("numeroFluxDepot", "identifiantFactureCPP") if (value := text(ours[0].get(name)))
        }
        detail = f"Facture {parcel.number} retrouvée sur Chorus Pro."
        if len(ours) > 1:
            detail += f" Elle y est {len(ours)} fois : vérifiez sur le portail laquelle est à suivre."
        return Found(receipt=Receipt(references=references, detail=detail))

    def _search(self, criterion: Mapping[str, str]) -> Iterator[dict[str, object]]:
        """Search the supplier's invoices, every page to the end, whatever page size the other side imposes."""
        seen: set[str] = set()
        for page in range(1, MAX_PAGES + 1):
            answer, _ = self._connection.ask(
                SEARCH,
                {
                    **criterion,
                    "rechercheFactureParFournisseur": {
                        "nbResultatsParPage": PAGE_SIZE,
                        "pageResultatDemandee": page,
                        "triColonne": "DateDepot",
                        "triSens": "Ascendant",
                    },
                },
            )
            fresh = [
                row
                for row in objects(answer.get("listeFactures"))
                if text(row.get("identifiantFactureCPP")) not in seen
            ]
            seen.update(text(row.get("identifiantFactureCPP")) for row in fresh)
            yield from fresh
            if not fresh or page >= _page_count(answer.get("parametresRetour"), "pages"):
                return
        raise NotSent(f"Chorus Pro annonce plus de {MAX_PAGES} pages pour une seule recherche. Nous redemanderons.")

    def _follow(self, row: Mapping[str, object], parcel: Parcel) -> list[RemoteEvent]:
        """Give the invoice's whole history, and its present status when the history does not tell it."""
        invoice = text(row.get("identifiantFactureCPP"))
        issued = parcel.issue_date
        statuses: list[RemoteEvent] = []
        actions: dict[str, RemoteEvent] = {}
        for page in range(1, MAX_PAGES + 1):
            answer, _ = self._connection.ask(HISTORY, _history_question(invoice, page))
            passages, done = answer.get("historiquesDesStatuts"), answer.get("historiquesDesActionsUtilisateurs")
            passages, done = (part if isinstance(part, dict) else {} for part in (passages, done))
            statuses.extend(
                status_event(
                    entry,
                    invoice=invoice,
                    code=text(entry.get("histoStatutCode")),
                    at=read_instant(entry.get("histoStatutDatePassage")),
                    comment=text(entry.get("histoStatutCommentaire")),
                    issued=issued,
                )
                for entry in objects(passages.get("histoStatut"))
            )
            for entry in objects(done.get("histoAction")):
                event = action_event(entry, invoice=invoice, issued=issued)
                actions[event.identity] = event
            pages = max(_page_count(passages, "pagesHistoStatut"), _page_count(done, "pagesHistoAction"))
            if page >= pages:
                break
        present = text(row.get("statut"))
        if present and all(event.code != present for event in statuses):
            statuses.append(
                status_event(
                    row,
                    invoice=invoice,
                    code=present,
                    at=read_instant(row.get("dateHeureEtatCourant")),
                    comment=text(row.get("commentaireEtatCourant")),
                    issued=issued,
                )
            )
        return [*{event.identity: event for event in statuses}.values(), *actions.values()]


def _is_ours(row: Mapping[str, object], parcel: Parcel) -> bool:
    """Recognise our invoice by number, seller and date together: two suppliers may use one number on one day."""
    # The company, its first nine digits, gives a number once; which establishment the document names is its own affair.
    siren = _digits(parcel.seller_siren or parcel.seller_siret)[:9]
    known = text(row.get("numeroFacture")) == parcel.number and _digits(row.get("codeFournisseur"))[:9] == siren
    if not siren or not known:
        return False
    dated = read_instant(row.get("dateFacture"))
    return dated is not None and abs(dated.astimezone(PARIS).date() - parcel.issue_date) <= DATE_WINDOW


def _digits(value: object) -> str:
    return re.sub(r"\s", "", text(value))


def _shows_invoices(state: str) -> bool:
    """Tell whether invoices may exist by this flow state; an unknown state may hide anything, so it is worth a look."""
    known = flow_states().get(state)
    return known is None or known.integrated


def _flow_question(parcel: Parcel, flow: str) -> dict[str, object]:
    question: dict[str, object] = {"numeroFluxDepot": flow}
    if syntax := parcel.references.get("syntaxeFlux", ""):
        question["syntaxeFlux"] = syntax
    return question


def _history_question(invoice: str, page: int) -> dict[str, object]:
    return {
        "idFacture": int(invoice) if invoice.isdigit() else 0,
        "paramRechercheHistoStatuts": {
            "pageResultatDemandeeListeHistoStatut": page,
            "nbResultatsParPageListeHistoStatut": PAGE_SIZE,
        },
        "paramRechercheHistoActionsUtilisateurs": {
            "pageResultatDemandeeListeHistoAction": page,
            "nbResultatsParPageListeHistoAction": PAGE_SIZE,
        },
    }


def _page_count(value: object, name: str) -> int:
    """Read how many pages there are; when it is not told, so many that only an empty page ends the search."""
    pages = value.get(name) if isinstance(value, dict) else None
    if isinstance(pages, int) and not isinstance(pages, bool):
        return pages
    return MAX_PAGES if name == "pages" else 1
