"""What may be said against a PDF that should be a PDF/A, in both languages, and whether `pdfa_wrap.wrap` mends it.

Source: ISO 19005-3:2012 (PDF/A-3), and ISO 19005-1:2005 where it is stricter; the clauses are named beside each rule.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from faitfoi.einvoice.findings import Finding, Severity
from faitfoi.einvoice.xml import Unreadable

_EXPORT = (
    "Export it as PDF/A from the program that made it",
    "Exportez-le en PDF/A depuis le logiciel qui l’a produit",
)
_OR_WRAP = (", or wrap it (--wrap).", ", ou enveloppez-le (--wrap).")
_MOST_NAMED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """Sentences of one rule; `{}` takes the names concerned. Empty remedies stand for "export it as PDF/A"."""

    english: str
    french: str
    remedy: str = ""
    remedy_fr: str = ""
    mended: bool = False
    """True when `wrap` removes the fault without touching what the page shows."""


_RULES = {
    "FF-PDF-ENCRYPTED": _Words(  # 6.1.3
        english="The PDF is encrypted or protected.",
        french="Le PDF est chiffré ou protégé.",
        remedy="Save it without protection, then try again.",
        remedy_fr="Enregistrez-le sans protection, puis recommencez.",
    ),
    "FF-PDF-CLAIM": _Words(  # 6.6.4
        english="Its XMP metadata do not say that it is a PDF/A (pdfaid).",
        french="Ses métadonnées XMP ne disent pas qu’il est un PDF/A (pdfaid).",
        mended=True,
    ),
    "FF-PDF-XMP": _Words(  # 6.6.2.1
        english="Its XMP metadata are unreadable.",
        french="Ses métadonnées XMP sont illisibles.",
        mended=True,
    ),
    "FF-PDF-XMP-SCHEMA": _Words(  # 6.6.2.3
        english="Its XMP metadata use schemas that they do not declare: {}.",
        french="Ses métadonnées XMP emploient des schémas qu’elles ne déclarent pas : {}.",
        mended=True,
    ),
    "FF-PDF-PART": _Words(  # Factur-X 1.07, 6.2
        english="It says that it is a {}: a Factur-X is a PDF/A-3.",
        french="Il se dit {} : un Factur-X est un PDF/A-3.",
        mended=True,
    ),
    "FF-PDF-OUTPUT-INTENT": _Words(  # 6.2.3, 6.2.4.3
        english="It has no output intent (ICC profile) for the colours it uses: {}.",
        french="Il n’a pas d’intention de sortie (profil ICC) pour les couleurs qu’il emploie : {}.",
        mended=True,
    ),
    "FF-PDF-COLOUR": _Words(  # 6.2.4.3
        english="Its output intent does not fit the colours it uses: {}.",
        french="Son intention de sortie ne convient pas aux couleurs qu’il emploie : {}.",
        remedy="Export it as PDF/A with colours in RGB.",
        remedy_fr="Exportez-le en PDF/A avec des couleurs RVB.",
    ),
    "FF-PDF-FONT": _Words(  # 6.2.11.4.1
        english="Fonts are not embedded: {}.",
        french="Des polices ne sont pas incorporées : {}.",
        remedy="Export it with all fonts embedded.",
        remedy_fr="Exportez-le en incorporant toutes les polices.",
    ),
    "FF-PDF-FONT-ENCODING": _Words(  # 6.2.11.3, 6.2.11.6
        english="The encoding of these embedded fonts is not one that PDF/A accepts: {}.",
        french="Le codage de ces polices incorporées n’est pas de ceux que PDF/A accepte : {}.",
        remedy=_EXPORT[0] + ".",
        remedy_fr=_EXPORT[1] + ".",
    ),
    "FF-PDF-TRANSPARENCY": _Words(  # ISO 19005-1, 6.4
        english="It uses transparency, which PDF/A-1 forbids.",
        french="Il emploie la transparence, interdite en PDF/A-1.",
        mended=True,
    ),
    "FF-PDF-LAYERS": _Words(  # 6.9; ISO 19005-1, 6.1.13
        english="It has layers (optional content) in a form that PDF/A does not accept.",
        french="Il a des calques (contenu optionnel) d’une forme que PDF/A n’accepte pas.",
        mended=True,
    ),
    "FF-PDF-LAYERS-USE": _Words(  # 6.9
        english="Its layers are not the same on paper and on the screen.",
        french="Ses calques ne sont pas les mêmes sur le papier et à l’écran.",
        remedy="Flatten the layers, then export it as PDF/A.",
        remedy_fr="Aplatissez les calques, puis exportez-le en PDF/A.",
    ),
    "FF-PDF-SCRIPT": _Words(  # 6.5.1
        english="It contains JavaScript.",
        french="Il contient du JavaScript.",
        mended=True,
    ),
    "FF-PDF-ACTION": _Words(  # 6.5
        english="It contains actions that PDF/A forbids: {}.",
        french="Il contient des actions interdites en PDF/A : {}.",
        mended=True,
    ),
    "FF-PDF-FORM": _Words(  # 6.4.1
        english="It contains a form whose look is left to the viewer (NeedAppearances, fields without appearance).",
        french="Il contient un formulaire dont l’aspect est laissé au lecteur (NeedAppearances, champs sans aspect).",
        mended=True,
    ),
    "FF-PDF-XFA": _Words(  # 6.4.2
        english="It contains an XFA form, whose pages are made by the viewer.",
        french="Il contient un formulaire XFA, dont les pages sont faites par le lecteur.",
        remedy="Print it as a plain PDF/A.",
        remedy_fr="Imprimez-le en PDF/A simple.",
    ),
    "FF-PDF-ANNOTATION": _Words(  # 6.3
        english="It contains annotations that PDF/A forbids, or that have no fixed look: {}.",
        french="Il contient des annotations interdites en PDF/A, ou sans aspect fixé : {}.",
        mended=True,
    ),
    "FF-PDF-EXTERNAL": _Words(  # 6.1.7.1, 6.2.9
        english="A part of its content is in other files: {}.",
        french="Une partie de son contenu est dans d’autres fichiers : {}.",
        remedy=_EXPORT[0] + ".",
        remedy_fr=_EXPORT[1] + ".",
    ),
    "FF-PDF-FILTER": _Words(  # 6.1.7.2
        english="Some streams are compressed in a way that PDF/A forbids: {}.",
        french="Des flux sont comprimés d’une façon que PDF/A interdit : {}.",
        mended=True,
    ),
    "FF-PDF-ATTACHMENT": _Words(  # 6.8; ISO 19005-1, 6.1.11
        english="Its attached files are not as its part of PDF/A wants them: {}.",
        french="Ses fichiers joints ne sont pas comme le veut sa partie de PDF/A : {}.",
        mended=True,
    ),
    "FF-PDF-IMAGE": _Words(  # 6.2.8
        english="Images or forms use what PDF/A forbids: {}.",
        french="Des images ou des formes emploient ce que PDF/A interdit : {}.",
        mended=True,
    ),
    "FF-PDF-POSTSCRIPT": _Words(  # 6.2.9
        english="It contains PostScript.",
        french="Il contient du PostScript.",
        remedy=_EXPORT[0] + ".",
        remedy_fr=_EXPORT[1] + ".",
    ),
    "FF-PDF-STATE": _Words(  # 6.2.5
        english="Its graphics states use what PDF/A forbids: {}.",
        french="Ses états graphiques emploient ce que PDF/A interdit : {}.",
        remedy=_EXPORT[0] + ".",
        remedy_fr=_EXPORT[1] + ".",
    ),
    "FF-PDF-PAGE": _Words(  # 6.1.13
        english="The size of these pages is out of bounds (3 to 14,400 points): {}.",
        french="Le format de ces pages sort des bornes (3 à 14 400 points) : {}.",
        remedy="Export it with pages of an ordinary size.",
        remedy_fr="Exportez-le avec des pages d’un format ordinaire.",
    ),
    "FF-PDF-TAGGED": _Words(  # 6.7
        english="It says that it is of level A, but its pages are not tagged.",
        french="Il se dit de niveau A, mais ses pages ne sont pas balisées.",
        mended=True,
    ),
}


class NotPdfA(Unreadable):
    """This PDF is not a PDF/A that can be made a Factur-X; `findings` say why, one by one."""

    def __init__(self, findings: tuple[Finding, ...], *, wrapping: bool = False) -> None:
        begin = "Ce PDF ne peut pas être enveloppé en PDF/A-3" if wrapping else "Ce PDF n’est pas un PDF/A"
        told = " ".join(finding.message_fr for finding in findings)
        remedies = " ".join(dict.fromkeys(finding.remedy_fr for finding in findings))
        super().__init__(f"{begin}. {told} {remedies}")
        self.findings = findings


def finding(rule: str, names: Iterable[str] = ()) -> Finding:
    """The finding of one rule, which names what it is about."""
    words = _RULES[rule]
    sorted_names = sorted({_printable(name) for name in names})
    shown = ", ".join(sorted_names[:_MOST_NAMED]) + ("…" if len(sorted_names) > _MOST_NAMED else "")
    default = tuple(each + end for each, end in zip(_EXPORT, _OR_WRAP, strict=True))
    return Finding(
        rule=rule,
        severity=Severity.FATAL,
        message=words.english.format(shown),
        message_fr=words.french.format(shown),
        value=shown,
        remedy=words.remedy or default[0],
        remedy_fr=words.remedy_fr or default[1],
    )


def is_mended(one: Finding) -> bool:
    """True when `pdfa_wrap.wrap` mends it."""
    return _RULES[one.rule].mended


def _printable(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name)[:60]
