"""How the written audit trail reads: for a treasurer first, then for whoever examines the books."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from faitfoi.accounts.models import Organisation
from faitfoi.einvoice.notice import Attached, Notice, Section
from faitfoi.pipeline.controls import Standing
from faitfoi.pipeline.paf_facts import TO_COMPLETE, Facts

CODES = frozenset({"Empreinte du certificat (SHA-256)", "Clé du journal"})

JOURNEY = (
    ("1. Réception", "Le fichier reçu est gardé tel quel avant d’être lu. Chaque fichier d’un lot est compté : reçus = "
     "prêts + en attente de quelqu’un + refusés."),
    ("2. Contrôle", "La facture est lue et jugée selon la norme EN 16931 et les règles françaises. Une facture "
        "fausse est "
     "refusée, avec la règle, le champ et le remède."),
    ("3. Numéro", "Le numéro est celui de la facture reçue ; celle qui n’en a pas le reçoit d’une série de Faitfoi, si "
     "l’organisation en a une, dans l’opération qui la scelle : la série n’a pas de trou. Vendeur, année et numéro "
     "sont pris pour toujours : d’autres octets sous le même numéro sont refusés, les mêmes octets ne sont pas "
     "renvoyés."),
    ("4. Cachet", "Le PDF reçoit le cachet électronique de l’organisation. Un PDF déjà signé par un autre n’est jamais "
     "modifié."),
    ("5. Archive et journal", "L’original et ce qui part sont gardés sous leurs empreintes, et une écriture du "
        "journal les "
     "nomme dans la même opération."),
    ("6. Envoi", "Le canal est choisi selon la nature du client et la date, et la raison est écrite. Rien ne part "
        "avant "
     "que le journal ait été vu par son témoin. Une réponse perdue se demande ; rien n’est renvoyé sans une personne."),
    ("7. Suivi", "Ce que dit l’autre côté (statuts, accusés, rejets) est gardé mot pour mot, à part de ce que fait "
     "Faitfoi."),
    ("8. Correction", "Une facture scellée ne change plus : elle se corrige par un avoir, qui nomme la facture "
        "d’origine."),
)  # fmt: skip

FRAME = (
    "Ce document décrit les contrôles par lesquels l’organisation établit une piste d’audit entre chaque facture et la "
    "livraison ou la prestation qui la fonde : l’authenticité de l’origine, l’intégrité du contenu et la lisibilité, "
    "de "
    "l’émission à la fin de la conservation. Il est produit par le logiciel à partir de sa configuration réelle.",
    "Cadre : code des impositions sur les biens et services, art. L. 216-33 et suivants (TVA, depuis le 1er septembre "
    "2026 ; auparavant CGI, art. 289 VII) ; livre des procédures fiscales, art. L102 B et L102 C ; "
    "BOI-TVA-DECLA-30-20-30-20 ; "
    "code de commerce, art. L123-22. Ces références sont à vérifier avec votre conseil.",
    "Le logiciel est conçu pour aider à tenir cette piste ; il n’est pas certifié, et ce document n’atteste pas la "
    "conformité de l’organisation. Ce qui se passe hors de Faitfoi est décrit par l’organisation elle-même.",
)

LIMITS = (
    "La continuité des numéros ne se vérifie qu’entre le premier et le dernier reçus : ce qui n’a jamais été remis à "
    "Faitfoi lui est inconnu.",
    "Commandes, bons de livraison et devis ne sont connus que par les références que portent les factures ; les pièces "
    "elles-mêmes sont tenues par l’organisation.",
    "Les encaissements ne sont connus que de ce qui en est enregistré dans Faitfoi, et des statuts venus d’une "
    "plateforme.",
    "Deux comptes tenus par une même personne sous deux adresses ne se distinguent pas.",
)

CHECK = (
    "Pour chaque facture, « faitfoi dossier NUMÉRO » (ou le bouton de sa page) donne un dossier qui se vérifie sans "
    "Faitfoi, hors ligne : « sh verify.sh », avec openssl et coreutils seulement. L’empreinte du certificat ci-dessus "
    "permet de s’assurer de la clé.",
    "« faitfoi chain NUMÉRO » et la page de chaque document donnent la chaîne dans les deux sens. « faitfoi fsck » "
    "recalcule "
    "tout depuis les octets. Un auditeur reçoit un accès en lecture à des exercices choisis, pour un temps "
    "(page « Auditeurs »), et emporte les documents d’une période en une archive.",
)


def notice_of(organisation: Organisation, facts: Facts, *, version: int, changed: list[str], at: datetime) -> Notice:
    """Lay the facts out as a page of statements, with the statement itself attached as data."""
    local = at.astimezone(ZoneInfo(organisation.zone))
    told = f"Version {version} du {local:%d/%m/%Y}"
    return Notice(
        title="Piste d’audit fiable",
        subtitle=f"Description écrite des contrôles · {told}",
        author=organisation.name,
        footer=f"{organisation.name} · Piste d’audit fiable, version {version}",
        sections=tuple(_sections(facts, changed=changed, local=local)),
        attached=(
            Attached(
                name="piste-audit.json",
                value={"version": version, "statement": facts.statement, "changed": changed},
                description="Ce que cette version énonce, pour la comparer à une autre",
            ),
        ),
    )


def _sections(facts: Facts, *, changed: list[str], local: datetime) -> Iterator[Section]:
    groups = facts.groups
    yield Section(title="Objet et cadre", paragraphs=FRAME)
    yield Section(title="Ce qui a changé avec cette version", paragraphs=changed)
    yield _group("L’organisation", groups["Organisation"])
    yield Section(title="Avant la facture : commande, livraison, prestation", paragraphs=_told(facts.before_invoicing))
    yield Section(title="Le parcours d’une facture dans Faitfoi", facts=JOURNEY)
    yield Section(title="Après l’envoi : paiements et litiges", paragraphs=_told(facts.after_sending))
    yield _group("Canaux d’envoi", groups["Canaux"])
    yield _group("Rôles et séparation des tâches", groups["Rôles"])
    yield _group("Authenticité et intégrité", groups["Authenticité et intégrité"])
    yield _group("Conservation", groups["Conservation"])
    yield from _controls(facts, local)
    yield Section(title="Vérifier sans nous croire", paragraphs=CHECK)
    yield Section(title="Ce que cette piste ne montre pas", paragraphs=LIMITS)
    yield _group("Logiciel", groups["Logiciel"])


def _controls(facts: Facts, local: datetime) -> Iterator[Section]:
    responsible = facts.groups["Organisation"]["Responsable des contrôles"]
    yield Section(
        title="Contrôles permanents",
        paragraphs=(
            f"Chaque contrôle se fait tout seul, sur l’exercice en cours et le précédent. Responsable du suivi : "
            f"{'à désigner' if responsible == TO_COMPLETE else responsible}. Preuve : "
            "chaque passage est une écriture « control_run » du journal, et son résultat est gardé. "
            f"Les résultats sont ceux connus le {local:%d/%m/%Y à %H:%M}.",
        ),
    )
    for standing in facts.controls:
        control = standing.control
        yield Section(
            title=f"Contrôle : {control.title}",
            paragraphs=(control.purpose,),
            facts=(
                ("Fréquence", control.frequency),
                ("Comment", control.method),
                ("Dernier résultat", _result(standing, local)),
            ),
        )
    wanted = {label: text for label, text in facts.groups["Contrôles"].items() if label.startswith("Références")}
    yield Section(title="Ce que l’organisation exige de ses références", facts=tuple(wanted.items()))


def _result(standing: Standing, local: datetime) -> str:
    last = standing.last
    if last is None:
        return "pas encore fait"
    at = last.created_at.astimezone(local.tzinfo)
    said = f"{last.found} point(s) à regarder" if last.found else "rien à signaler"
    untold = f", {last.untold} dont on ne peut rien dire" if last.untold else ""
    return f"{at:%d/%m/%Y à %H:%M} : {said}{untold}, sur {last.checked} examiné(s)"


def _group(title: str, facts: dict[str, str]) -> Section:
    codes = CODES | {label for label in facts if label.startswith("Témoin ")}
    return Section(title=title, facts=tuple(facts.items()), codes=codes)


def _told(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("\n\n") if part.strip()) or (TO_COMPLETE,)
