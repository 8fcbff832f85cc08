"""French rules on what only documents of the profile EXTENDED-CTC-FR hold, and on what no model can hold.

They are judged on the document itself (see `french_ubl` and `french_cii`); an invoice that was never written breaks
none of them.
"""

from faitfoi.einvoice.rules.french_rule import beyond_the_model

_PARTIES = {
    "EXT-FR-FE-06": ("EXT-FR-FE-12", "buyer's agent"),
    "EXT-FR-FE-46": ("EXT-FR-FE-52", "payer"),
    "EXT-FR-FE-69": ("EXT-FR-FE-75", "seller's agent"),
    "EXT-FR-FE-92": ("EXT-FR-FE-98", "party invoiced"),
    "EXT-FR-FE-115": ("EXT-FR-FE-121", "party that invoices"),
}
"""Parties by the term of their identifiers: the term of their electronic address, and what they are."""


def _identifier_rules(term: str, who: str) -> None:
    sentence = f"Each identifier of the {who} ({term}) says its scheme."
    beyond_the_model(term, both=f"BR-FR-CO-10_{term}-1", sentence=sentence)
    sentence = f"The {who} has one identifier ({term}) of each scheme."
    beyond_the_model(term, both=f"BR-FR-CO-10_{term}-2", sentence=sentence)


def _siret_rule(term: str, who: str, *, both: bool) -> None:
    rule_id = f"BR-FR-09_{term}"
    sentence = f"The SIRET of the {who} ({term}, scheme 0009) has 14 digits and starts with its SIREN if it is given."
    beyond_the_model(term, both=rule_id if both else "", cii="" if both else rule_id, sentence=sentence)


def _address_rules(term: str, who: str) -> None:
    beyond_the_model(
        term,
        both=f"BR-FR-23_{term}",
        sentence=f"The electronic address of the {who} ({term}) of scheme 0225 is made of letters without accents, "
        "digits and the signs + - _ . only.",
    )
    sentence = f"The electronic address of the {who} ({term}) has at most 125 characters."
    beyond_the_model(term, both=f"BR-FR-25_{term}", sentence=sentence)


for _term, (_address, _who) in _PARTIES.items():
    _siret_rule(_term, _who, both=True)
    _identifier_rules(_term, _who)
    _address_rules(_address, _who)
_address_rules("EXT-FR-FE-29", "payee")
# The UBL sheet looks for this SIRET where it cannot stand.
_siret_rule("EXT-FR-FE-146", "place of delivery of a line", both=False)
_identifier_rules("EXT-FR-FE-146", "place of delivery of a line")

beyond_the_model(
    "EXT-FR-FE-136",
    cii="BR-FR-01_EXT-FR-FE-136",
    ubl="BR-FR-01_EXT-FR-FE-136-1",
    sentence="The number of an earlier invoice that a line names (EXT-FR-FE-136) has at most 35 characters.",
)
for _both, _ubl in (("BR-FR-02_EXT-FR-FE-136", ""), ("", "BR-FR-01_EXT-FR-FE-136-2")):
    beyond_the_model(
        "EXT-FR-FE-136",
        both=_both,
        ubl=_ubl,
        sentence="The number of an earlier invoice that a line names (EXT-FR-FE-136) is made of letters without "
        "accents, digits and + - _ / only.",
    )
beyond_the_model(
    "EXT-FR-FE-138",
    both="BR-FR-03_EXT-FR-FE-138",
    sentence="The date of an earlier invoice that a line names (EXT-FR-FE-138) is in a year from 2000 to 2099.",
)
beyond_the_model(
    "EXT-FR-FE-158",
    both="BR-FR-03_EXT-FR-FE-158",
    sentence="The date of delivery of a line (EXT-FR-FE-158) is in a year from 2000 to 2099.",
)
beyond_the_model(
    "EXT-FR-FE-02",
    both="BR-FR-04_EXT-FR-FE-02",
    sentence="The type of an earlier invoice (EXT-FR-FE-02) is one of the sixteen used in France.",
)
beyond_the_model(
    "EXT-FR-FE-137",
    both="BR-FR-04_EXT-FR-FE-137",
    sentence="The type of an earlier invoice that a line names (EXT-FR-FE-137) is one of the sixteen used in France.",
)
beyond_the_model(
    "EXT-FR-FE-159",
    cii="BR-FR-27_EXT-FR-FE-159",
    sentence="The code of an attribute of an item (EXT-FR-FE-159) is not empty.",
)
beyond_the_model(
    "BT-18",
    cii="BR-FR-29_BT-18",
    sentence="Of the invoiced objects (BT-18), one at most is of scheme AFL and one of scheme AVV.",
)
for _scheme in ("AFL", "AVV"):
    beyond_the_model(
        "BT-18",
        both=f"BR-FR-29_{_scheme}",
        sentence=f"An invoiced object (BT-18) of scheme {_scheme} is not empty.",
    )
    beyond_the_model(
        "BT-128",
        ubl=f"BR-FR-30_{_scheme}",
        sentence=f"An invoiced object of a line (BT-128) of scheme {_scheme} is not empty.",
    )
