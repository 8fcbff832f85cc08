"""What the Chorus Pro simulator remembers, and what it answers to each operation. No wire here.

Field names are those of the official description. Everything is derived from the deposits and the simulated clock.
"""

import base64
import binascii
import hashlib
import io
import tarfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from functools import partial
from typing import cast

from faitfoi.simulators import chorus_acts, chorus_submission
from faitfoi.simulators.chorus_answers import Malformed, Refusal, page_of, paging
from faitfoi.simulators.chorus_directory import DEMONSTRATION, Structure, read_structures
from faitfoi.simulators.chorus_fields import faults_of_shape
from faitfoi.simulators.chorus_invoices import INTERFACES, Deposit, Facts, Passage, flow_end, judge, read_facts
from faitfoi.simulators.chorus_search import PARIS, instant, invoice_row, meets, mode_of
from faitfoi.simulators.chorus_shapes import REQUESTS
from faitfoi.simulators.chorus_structures import find_structures, list_services, show_service, show_structure
from faitfoi.simulators.control import Clock, ControlError
from faitfoi.simulators.loopback import Body

MAX_FILE = 10 * 1024 * 1024
MAX_ARCHIVE = 30 * 1024 * 1024
GZIP = b"\x1f\x8b"


class ChorusState:
    """The simulated Chorus Pro. Thread-safe. `largest_page` caps pages as some real operations do."""

    def __init__(self, clock: Clock, *, largest_page: int = 500) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.largest_page = largest_page
        self._sequence = 425_903
        self._forget()

    def _forget(self) -> None:
        self.structures: dict[str, Structure] = read_structures(DEMONSTRATION)
        self.deposits: dict[str, Deposit] = {}
        self._by_number: dict[str, list[Deposit]] = {}
        self._by_flow: dict[str, list[Deposit]] = {}
        self._by_invoice: dict[int, Deposit] = {}
        self.files: dict[int, int] = {}  # attached files by number: their size
        self.told: list[chorus_acts.Told] = []
        self.suppliers: dict[str, int] = {}
        self.password_expires = ""

    def invoice(self, identifier: object) -> Deposit | None:
        """Find an invoice by its identifiantFactureCPP."""
        return self._by_invoice.get(identifier) if isinstance(identifier, int) else None

    def answer(self, operation: str, body: Mapping[str, object]) -> Body:
        """Answer one declared operation. Raises Malformed, Refusal."""
        wrong = faults_of_shape(REQUESTS[operation], body)
        if wrong:
            raise Malformed(" ".join(wrong))
        known = self.structures
        answers: dict[str, Callable[[Mapping[str, object]], Body]] = {
            "transverses/v1/consulterCRDetaille": self._report,
            "factures/v1/rechercher/fournisseur": self._search,
            "factures/v1/consulter/historique": self._history,
            "structures/v1/rechercher": partial(find_structures, known, self.suppliers),
            "structures/v1/consulter": partial(
                show_structure, known, self.suppliers, password_expires=self.password_expires
            ),
            "structures/v1/rechercher/services": partial(list_services, known, self.suppliers),
            "structures/v1/consulter/service": partial(show_service, known),
            "transverses/v1/ajouter/fichier": partial(chorus_acts.add_file, self),
            "transverses/v1/recuperer/typespj": partial(chorus_acts.list_types, self),
            "factures/v1/completer": partial(chorus_acts.complete, self),
            "factures/v1/recycler": partial(chorus_acts.recycle, self),
            "factures/v1/traiterRejet": partial(chorus_acts.acknowledge, self),
            "factures/v1/deposer/pdf": partial(chorus_submission.deposit_pdf, self),
            "factures/v1/soumettre": partial(chorus_submission.submit, self),
        }
        done: Body = {"codeRetour": 0, "libelle": "TRA_MSG_00.000"}
        if operation == "factures/v1/deposer/flux":
            return done | self._deposit(body)
        with self.lock:
            return done | answers[operation](body)

    # Deposits

    def _deposit(self, body: Mapping[str, object]) -> Body:
        try:
            content = base64.b64decode(str(body["fichierFlux"]), validate=True)
        except (binascii.Error, ValueError):
            raise Malformed("Le champ fichierFlux n’est pas en base 64.") from None
        if len(content) > (MAX_ARCHIVE if content.startswith(GZIP) else MAX_FILE):
            raise Refusal(20001, "GDP_MSG_11.022 : la taille du fichier dépasse 10 Mo, ou celle de l’archive 30 Mo.")
        syntax = str(body["syntaxeFlux"])
        # Read outside the lock: it is what takes time.
        read = [(one, *read_facts(one, syntax)) for one in _files(content)]
        deposits: list[Deposit] = []
        with self.lock:
            for one, facts, technical in read:
                kept = self.keep(
                    facts,
                    technical=technical,
                    syntax=syntax,
                    sha256=hashlib.sha256(one).hexdigest(),
                    size=len(one),
                    name=str(body["nomFichier"]),
                    signed=body.get("avecSignature") is True,
                    shown_flow=deposits[0].flow if deposits else "",
                )
                deposits.append(kept)
        deposit = deposits[0]
        return {
            "numeroFluxDepot": deposit.flow,
            "dateDepot": deposit.at.astimezone(PARIS).date().isoformat(),
            "syntaxeFlux": syntax,
        }

    def keep(
        self,
        facts: Facts | None,
        *,
        technical: tuple[str, ...] = (),
        syntax: str,
        sha256: str = "",
        size: int = 0,
        name: str = "",
        signed: bool = False,
        shown_flow: str = "",
        direct: bool = False,
    ) -> Deposit:
        """Take one invoice. Raises Refusal for one submitted directly that a flow would have rejected."""
        with self.lock:
            interface = INTERFACES.get(syntax, "FSO1117A")
            deposit = Deposit(
                flow=f"CPP001{interface[3:7]}{self._sequence:015d}",
                sha256=sha256,
                size=size,
                name=name,
                syntax=syntax,
                signed=signed,
                at=self.clock.now(),
                facts=facts,
                technical=technical,
                invoice_id=100_000_000 + self._sequence,
                shown_flow=shown_flow,
                direct=direct,
            )
            self._sequence += 1
            if facts is not None:
                known = any(
                    other.facts is not None and other.facts.supplier == facts.supplier and not other.rejected
                    for other in self._by_number.get(facts.number, [])
                )
                deposit.errors, deposit.path = judge(facts, self.structures, known=known)
                if direct and deposit.errors:
                    raise Refusal(20050, " ".join(deposit.errors))
                structure = self.structures.get(facts.recipient)
                service = structure.service(facts.service) if structure else None
                deposit.recipient_id = structure.id if structure else None
                deposit.service_id = service.id if service else None
                self._by_number.setdefault(facts.number, []).append(deposit)
            self.deposits[deposit.flow] = deposit
            self._by_flow.setdefault(shown_flow or deposit.flow, []).append(deposit)
            self._by_invoice[deposit.invoice_id] = deposit
            return deposit

    def mark_answered(self, flow: str, *, answered: bool) -> None:
        """Note whether the answer to a deposit has left whole; other answers have no flow and need no note."""
        with self.lock:
            if flow in self.deposits:
                for deposit in self._by_flow[flow]:
                    deposit.answered = answered

    def _report(self, body: Mapping[str, object]) -> Body:
        deposit = self.deposits.get(str(body["numeroFluxDepot"]))
        if deposit is None:
            raise Refusal(20001, "Le numéro de dépôt est inconnu.")
        group = [one for one in self._by_flow[deposit.flow] if one.sha256]
        passage = flow_end(group, self.clock.now())
        done = passage.state in {"IN_REJETE", "IN_INTEGRE_PARTIEL"}
        interface = INTERFACES.get(deposit.syntax, "FSO1117A")
        return {
            "codeInterfaceDepotFlux": interface,
            "dateDepotFlux": instant(deposit.at),
            "dateHeureEtatCourantFlux": instant(passage.at),
            "etatCourantDepotFlux": passage.state,
            "nomFichier": f"{interface}_CPP001_{deposit.flow}",
            "listeErreurDP": [
                {
                    "numeroDP": one.facts.number,
                    "identifiantFournisseur": one.facts.supplier,
                    "identifiantDestinataire": one.facts.recipient,
                    "libelleErreurDP": error,
                }
                for one in group
                for error in ([*one.errors, passage.comment] if done else [])
                if one.facts is not None and error
            ],
            "listeErreurTechnique": [
                {"codeErreur": "30000", "libelleErreur": error, "natureErreur": "BLOQUANTE"}
                for one in group
                for error in (one.technical if done else ())
            ],
        }

    # Invoices

    def _search(self, body: Mapping[str, object]) -> Body:
        now = self.clock.now()
        if number := body.get("numeroFacture"):
            candidates = self._by_number.get(str(number), [])
        elif flow := body.get("numeroFluxDepot"):
            candidates = self._by_flow.get(str(flow), [])
        else:
            candidates = list(self.deposits.values())
        asked = paging(body, "rechercheFactureParFournisseur")
        found = sorted(
            (one for one in candidates if one.integrated(now) and meets(one, body, now)),
            key=lambda one: one.at,
            reverse=asked.get("triSens") == "Descendant",
        )
        page, told = page_of(
            found, asked.get("pageResultatDemandee"), asked.get("nbResultatsParPage"), largest=self.largest_page
        )
        return {"listeFactures": [invoice_row(one, now) for one in page], "parametresRetour": told}

    def _history(self, body: Mapping[str, object]) -> Body:
        now = self.clock.now()
        deposit = self._by_invoice.get(cast("int", body["idFacture"]))
        if deposit is None or not deposit.integrated(now):
            raise Refusal(20002, "La facture est inconnue.")
        passages = deposit.invoice_passages(now)
        downloaded = deposit.downloaded(now)
        lines: list[Body] = [
            {
                "histoStatutId": deposit.invoice_id * 100 + rank,
                "histoStatutCode": passage.state,
                "histoStatutDatePassage": instant(passage.at),
                "histoStatutCommentaire": passage.comment,
                **({"histoStatutUtilisateurEmail": passage.by} if passage.by else {}),
            }
            for rank, passage in enumerate(passages, start=1)
        ]
        done = [("TELECHARGEMENT_FACTURE", downloaded)] if downloaded is not None else []
        actions: list[Body] = [
            {
                "histoActionId": deposit.invoice_id * 100 + rank,
                "histoActionCode": code,
                "histoActionDateHeure": instant(at),
                "histoActionUtilisateurPrenom": "Camille",
                "histoActionUtilisateurNom": "Exemple",
            }
            for rank, (code, at) in enumerate([*done, *deposit.actions])
        ]
        return {
            "idFacture": deposit.invoice_id,
            "numeroFacture": cast("Facts", deposit.facts).number,
            "modeDepot": mode_of(deposit),
            "statutCourantCode": passages[-1].state,
            "historiquesDesStatuts": self._history_page(
                lines,
                paging(body, "paramRechercheHistoStatuts"),
                "histoStatut",
                suffix="HistoStatut",
                asked="ListeHistoStatut",
            ),
            "historiquesDesActionsUtilisateurs": self._history_page(
                actions,
                paging(body, "paramRechercheHistoActionsUtilisateurs"),
                "histoAction",
                suffix="HistoAction",
                asked="ListeHistoAction",
            ),
        }

    def _history_page(
        self, lines: list[Body], wanted: Mapping[str, object], name: str, *, suffix: str, asked: str
    ) -> Body:
        page, told = page_of(
            lines,
            wanted.get(f"pageResultatDemandee{asked}"),
            wanted.get(f"nbResultatsParPage{asked}"),
            largest=self.largest_page,
        )
        return {
            name: page,
            f"pageCourante{suffix}": told["pageCourante"],
            f"pages{suffix}": told["pages"],
            f"nbResultatsParPage{suffix}": told["nbResultatsParPage"],
            f"total{suffix}": told["total"],
        }

    # Control

    def records(self, _: Body) -> Body:
        """Give every deposit received, those whose answer was lost too."""
        with self.lock:
            now = self.clock.now()
            return {
                "deposits": [
                    {
                        "flow": one.shown_flow or one.flow,
                        "sha256": one.sha256,
                        "size": one.size,
                        "number": one.facts.number if one.facts else "",
                        "supplier": one.facts.supplier if one.facts else "",
                        "recipient": one.facts.recipient if one.facts else "",
                        "name": one.name,
                        "signed": one.signed,
                        "at": one.at.isoformat(),
                        "answered": one.answered,
                        "flow_state": one.flow_passage(now).state,
                        "status": one.invoice_passages(now)[-1].state if one.integrated(now) else "",
                    }
                    for one in self.deposits.values()
                    if one.sha256  # the others are the decor that `seed` has put
                ],
                "told": [asdict(one) for one in self.told],
            }

    def reset(self, _: Body) -> Body:
        """Forget deposits and loaded structures; numbers of flows are never given twice."""
        with self.lock:
            self._forget()
        return {"now": self.clock.now().isoformat()}

    def load_structures(self, body: Body) -> Body:
        """Take a directory in the place of the present one. Raises ControlError."""
        lines = body.get("structures")
        if not isinstance(lines, list):
            raise ControlError("structures is a list")
        with self.lock:
            self.structures = read_structures(lines)
            return {"structures": len(self.structures)}

    def load_account(self, body: Body) -> Body:
        """Make suppliers known ("suppliers": SIRETs) and say until when the technical password lives ("expires")."""
        sirets = body.get("suppliers")
        if not isinstance(sirets, list) or not all(isinstance(one, str) for one in sirets):
            raise ControlError("suppliers is a list of SIRETs")
        with self.lock:
            self.suppliers = {str(siret): 26_900_000 + rank for rank, siret in enumerate(sirets)}
            self.password_expires = str(body.get("expires") or "")
        return {"suppliers": len(self.suppliers)}

    def force_state(self, body: Body) -> Body:
        """Put a flow ("flow_state") or its invoice ("status") into any state, by someone ("by"), with a comment."""
        with self.lock:
            deposit = self.deposits.get(str(body.get("flow", "")))
            if deposit is None:
                raise ControlError("flow is the number of a deposit")
            now, comment = self.clock.now(), str(body.get("comment", ""))
            if state := str(body.get("flow_state", "")):
                deposit.forced_flow.append(Passage(state=state, at=now, comment=comment))
            if state := str(body.get("status", "")):
                deposit.forced_invoice.append(Passage(state=state, at=now, comment=comment, by=str(body.get("by", ""))))
            return {"flow_state": deposit.flow_passage(now).state}

    def seed(self, body: Body) -> Body:
        """Put `count` integrated invoices of one number, from as many other suppliers. Raises ControlError.

        With "flow", they show under that flow's number: a flow of many invoices.
        """
        count, number = body.get("count"), str(body.get("number", ""))
        if not isinstance(count, int) or not 0 < count <= 10_000 or not number:
            raise ControlError("count is a number up to 10000, number a text")
        try:
            issued = date.fromisoformat(str(body.get("issued", "")))
        except ValueError:
            raise ControlError("issued is a date, YYYY-MM-DD") from None
        with self.lock:
            for rank in range(count):
                deposit = self.keep(
                    Facts(number=number, supplier=f"{rank:014d}", recipient="", issued=issued),
                    syntax="IN_DP_E1_CII_16B",
                    shown_flow=str(body.get("flow") or ""),
                )
                deposit.errors = ()
                deposit.at -= timedelta(days=1)
        return {"seeded": count}


def _files(content: bytes) -> list[bytes]:
    """The invoices of a deposit: the files of a .tar.gz, or the file itself. Raises Malformed."""
    if not content.startswith(GZIP):
        return [content]
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            members = [archive.extractfile(one) for one in archive.getmembers() if one.isfile()]
            files = [member.read(MAX_FILE + 1) for member in members if member is not None]
    except (tarfile.TarError, OSError, EOFError):
        raise Malformed("L’archive déposée ne se lit pas.") from None
    if not files or max(map(len, files)) > MAX_FILE:
        raise Refusal(20001, "GDP_MSG_11.022 : la taille d'un fichier de l'archive dépasse 10 Mo, ou elle est vide.")
    return files
