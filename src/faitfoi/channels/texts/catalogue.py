"""Our own words for each kind of message, in French and in English; an organisation may put its own in their place."""

LANGUAGES = {"fr": "français", "en": "anglais"}
FALLBACK = "fr"
"""The language of a customer whose own has no words: a French seller's invoice is at least in French."""
KINDS = {
    "invoice": "facture",
    "credit_note": "avoir",
    "copy_invoice": "copie d’une facture",
    "copy_credit_note": "copie d’un avoir",
    "notice_invoice": "avis d’une facture",
    "notice_credit_note": "avis d’un avoir",
    "several": "plusieurs documents en un message",
    "copy_several": "plusieurs copies en un message",
    "notice_several": "plusieurs avis en un message",
}

_NOT_INSTEAD_FR = (
    "L’original vous est remis par une autre voie : cette copie ne le remplace pas, et il n’y a pas lieu de "
    "l’enregistrer une seconde fois."
)
_NOT_INSTEAD_EN = (
    "The original reaches you another way: this copy does not replace it, and it is not to be entered a second time."
)

_ONLY_SAYS_FR = (
    "Ce message n’est qu’un avis : il ne remplace pas le document et ne le contient pas ; il n’y a rien à enregistrer "
    "d’après lui."
)
_ONLY_SAYS_EN = (
    "This message is only a notice: it does not replace the document and does not contain it; nothing is to be entered "
    "from it."
)


def _french(opening: str) -> str:
    return f"Bonjour,\n\n{opening}\n\n{{facts}}\n\n{{answer}}\n\nCordialement,\n{{seller}}"


def _english(opening: str) -> str:
    return f"Hello,\n\n{opening}\n\n{{facts}}\n\n{{answer}}\n\nKind regards,\n{{seller}}"


TEXTS: dict[tuple[str, str], tuple[str, str]] = {
    ("fr", "invoice"): (
        "Facture {number} du {date} – {seller}",
        _french("Vous trouverez ci-joint votre facture {number} du {date}, émise par {seller}."),
    ),
    ("fr", "credit_note"): (
        "Avoir {number} du {date} – {seller}",
        _french("Vous trouverez ci-joint votre avoir {number} du {date}, émis par {seller}."),
    ),
    ("fr", "copy_invoice"): (
        "Copie de la facture {number} – {seller}",
        _french(
            "Vous trouverez ci-joint, pour information, une copie de la facture {number} du {date}, émise par {seller}."
            " " + _NOT_INSTEAD_FR
        ),
    ),
    ("fr", "copy_credit_note"): (
        "Copie de l’avoir {number} – {seller}",
        _french(
            "Vous trouverez ci-joint, pour information, une copie de l’avoir {number} du {date}, émis par {seller}. "
            + _NOT_INSTEAD_FR
        ),
    ),
    ("fr", "several"): (
        "{count} documents de {seller} : {numbers}",
        _french("Vous trouverez ci-joint {count} documents émis par {seller}."),
    ),
    ("en", "invoice"): (
        "Invoice {number} of {date} – {seller}",
        _english("Please find attached your invoice {number} of {date}, issued by {seller}."),
    ),
    ("en", "credit_note"): (
        "Credit note {number} of {date} – {seller}",
        _english("Please find attached your credit note {number} of {date}, issued by {seller}."),
    ),
    ("en", "copy_invoice"): (
        "Copy of invoice {number} – {seller}",
        _english(
            "Please find attached, for information, a copy of invoice {number} of {date}, issued by {seller}. "
            + _NOT_INSTEAD_EN
        ),
    ),
    ("en", "copy_credit_note"): (
        "Copy of credit note {number} – {seller}",
        _english(
            "Please find attached, for information, a copy of credit note {number} of {date}, issued by {seller}. "
            + _NOT_INSTEAD_EN
        ),
    ),
    ("en", "several"): (
        "{count} documents from {seller}: {numbers}",
        _english("Please find attached {count} documents issued by {seller}."),
    ),
}
TEXTS |= {
    ("fr", "notice_invoice"): (
        "Facture {number} déposée sur {place} – {seller}",
        _french(
            "La facture {number} du {date}, émise par {seller}, est déposée sur {place} : c’est là que vous la "
            "recevez. " + _ONLY_SAYS_FR
        ),
    ),
    ("fr", "notice_credit_note"): (
        "Avoir {number} déposé sur {place} – {seller}",
        _french(
            "L’avoir {number} du {date}, émis par {seller}, est déposé sur {place} : c’est là que vous le recevez. "
            + _ONLY_SAYS_FR
        ),
    ),
    ("fr", "notice_several"): (
        "{count} documents de {seller} déposés sur {place} : {numbers}",
        _french(
            "{count} documents émis par {seller} sont déposés sur {place} : c’est là que vous les recevez. "
            + _ONLY_SAYS_FR
        ),
    ),
    ("fr", "copy_several"): (
        "Copies de {count} documents de {seller} : {numbers}",
        _french(
            "Vous trouverez ci-joint, pour information, les copies de {count} documents émis par {seller}. Les "
            "originaux vous sont remis par une autre voie : ces copies ne les remplacent pas, et il n’y a pas lieu de "
            "les enregistrer une seconde fois."
        ),
    ),
    ("en", "notice_invoice"): (
        "Invoice {number} deposited on {place} – {seller}",
        _english(
            "Invoice {number} of {date}, issued by {seller}, is deposited on {place}: that is where you receive it. "
            + _ONLY_SAYS_EN
        ),
    ),
    ("en", "notice_credit_note"): (
        "Credit note {number} deposited on {place} – {seller}",
        _english(
            "Credit note {number} of {date}, issued by {seller}, is deposited on {place}: that is where you receive "
            "it. " + _ONLY_SAYS_EN
        ),
    ),
    ("en", "notice_several"): (
        "{count} documents from {seller} deposited on {place}: {numbers}",
        _english(
            "{count} documents issued by {seller} are deposited on {place}: that is where you receive them. "
            + _ONLY_SAYS_EN
        ),
    ),
    ("en", "copy_several"): (
        "Copies of {count} documents from {seller}: {numbers}",
        _english(
            "Please find attached, for information, copies of {count} documents issued by {seller}. The originals "
            "reach you another way: these copies do not replace them, and are not to be entered a second time."
        ),
    ),
}
PLACES = {
    ("fr", "chorus_pro"): "Chorus Pro",
    ("fr", "plateforme_agreee"): "la plateforme agréée",
    ("en", "chorus_pro"): "Chorus Pro",
    ("en", "plateforme_agreee"): "the approved platform",
}
"""Where a notice says that the invoice lies, by language and channel."""

ANSWERS = {
    ("fr", True): "Pour toute question, il suffit de répondre à ce message.",
    ("fr", False): "Pour toute question, votre interlocuteur habituel reste à votre disposition.",
    ("en", True): "If you have any question, just answer this message.",
    ("en", False): "If you have any question, your usual contact is at your disposal.",
}
LABELS = {
    "fr": {
        "seller": "Émetteur",
        "number": "Numéro",
        "date": "Date",
        "invoice": "Montant à payer",
        "credit_note": "Montant de l’avoir",
        "annexes": "Également joint",
        "place": "Déposé sur",
        "colon": " : ",
    },
    "en": {
        "seller": "From",
        "number": "Number",
        "date": "Date",
        "invoice": "Amount due",
        "credit_note": "Amount of the credit note",
        "annexes": "Also attached",
        "place": "Deposited on",
        "colon": ": ",
    },
}
NOUNS = {
    ("fr", "invoice"): "facture",
    ("fr", "credit_note"): "avoir",
    ("en", "invoice"): "invoice",
    ("en", "credit_note"): "credit note",
}
MONTHS = {
    "fr": (
        "janvier", "février", "mars", "avril", "mai", "juin",
        "juillet", "août", "septembre", "octobre", "novembre", "décembre",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip
