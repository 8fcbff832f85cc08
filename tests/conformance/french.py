"""Mutations of what the French rules look at: notes, frameworks, SIREN and SIRET, addresses, earlier invoices."""

import copy

from lxml import etree

from tests.conformance.mutation import mutation, register
from tests.conformance.tree import CBC, RAM, Element, Tree, after, name_of, parent_of, remove, text_of

_AGREEMENT = "SupplyChainTradeTransaction/ApplicableHeaderTradeAgreement"


def notes(tree: Tree) -> list[Element]:
    """The notes of the document (BG-1), not those of its lines."""
    if tree.is_cii:
        return tree.within("ExchangedDocument", "", "IncludedNote")
    return [child for child in tree.root if name_of(child) == "Note"]


def add_note(tree: Tree, subject: str, text: str) -> bool:
    """Add a note beside another one."""
    found = notes(tree)
    if not found:
        return False
    note = etree.Element(found[0].tag)
    if tree.is_cii:
        etree.SubElement(note, RAM + "Content").text = text
        etree.SubElement(note, RAM + "SubjectCode").text = subject
    else:
        note.text = f"#{subject}#{text}"
    after(tree.dice.choice(found), note)
    return True


@mutation
def remove_a_note(tree: Tree) -> bool:
    """One of those that the law wants."""
    found = notes(tree)
    if found:
        remove(tree.dice.choice(found))
    return bool(found)


@mutation
def repeat_a_note(tree: Tree) -> bool:
    """PMT, PMD, AAB, TXD may stand once."""
    found = notes(tree)
    if not found:
        return False
    note = tree.dice.choice(found)
    after(note, copy.deepcopy(note))
    return True


@mutation
def another_subject_of_a_note(tree: Tree) -> bool:
    """Another code of UNTDID 4451, or none."""
    found = notes(tree)
    if not found:
        return False
    note, subject = tree.dice.choice(found), tree.dice.choice(["PMT", "AAI", "SUR", "TXD", "BAR", "ZZZ", "pmt"])
    if not tree.is_cii:
        note.text = f"#{subject}#" + (note.text or "").rpartition("#")[2]
        return True
    for child in note:
        if name_of(child) == "SubjectCode":
            child.text = subject
    return True


@mutation
def a_note_of_treatment(tree: Tree) -> bool:
    """BAR and one of its values, or one that is not."""
    values = ["B2B", "B2BINT", "B2C", "B2CINT", "OUTOFSCOPE", "ARCHIVEONLY", "B2G", "b2b", " B2B ", "B2B.", ""]
    return add_note(tree, "BAR", tree.dice.choice(values))


@mutation
def another_treatment(tree: Tree) -> bool:
    """The BAR note says something else."""
    found = [note for note in notes(tree) if "BAR" in "".join(str(text) for text in note.itertext())]
    if not found:
        return False
    value = tree.dice.choice(["B2BINT", "B2C", "ARCHIVEONLY", "B2X", "B2B B2C"])
    note = tree.dice.choice(found)
    target = note[0] if tree.is_cii else note
    target.text = value if tree.is_cii else f"#BAR#{value}"
    return True


@mutation
def a_note_of_the_single_taxable_person(tree: Tree) -> bool:
    """TXD, with the words wanted or others."""
    return add_note(tree, "TXD", tree.dice.choice(["MEMBRE_ASSUJETTI_UNIQUE", "AUTOLIQUIDATION"]))


@mutation
def several_subjects_in_one_note(tree: Tree) -> bool:
    """A text that looks like the way UBL writes subjects."""
    return add_note(tree, "AAI", tree.dice.choice(["voir #PMT#", "#BAR#B2C#", "#PMD#AAB#", "#TXD#x"]))


@mutation
def another_framework(tree: Tree) -> bool:
    """Another cadre de facturation (BT-23), or none that exists."""
    element = tree.at("ExchangedDocumentContext/BusinessProcessSpecifiedDocumentContextParameter/ID", "ProfileID")
    if element is None:
        return False
    frameworks = "B1 S1 M1 B2 S2 M2 S3 B4 S4 M4 S5 S6 B7 S7 B8 S8 M8 B9 S9 M9 X1 s1 A1"
    element.text = tree.dice.choice(frameworks.split())
    return True


def _number(tree: Tree) -> Element | None:
    earlier = tree.all(
        lambda element: (
            name_of(element) in {"InvoiceReferencedDocument", "InvoiceDocumentReference"} and len(element) > 0
        )
    )
    own = tree.at("ExchangedDocument/ID", "ID")
    return tree.dice.choice([*([own] if own is not None else []), *(group[0] for group in earlier)] or [tree.root])


for _kind, _value in {
    "with a space": "F 2026 117",
    "of 36 signs": "F" * 36,
    "of 35 signs": "F" * 35,
    "with a full stop": "F.2026.117",
    "with an accent": "É-2026-117",
    "with all the signs allowed": "F+2026-117_a/b",
}.items():

    def _renumber(tree: Tree, value: str = _value) -> bool:
        element = _number(tree)
        if element is None or len(element):
            return False
        element.text = value
        return True

    register(f"a number {_kind}", _renumber)


def identifiers(tree: Tree, *schemes: str) -> list[Element]:
    """The leaves whose scheme is one of those."""
    return tree.all(lambda element: element.get("schemeID") in schemes)


@mutation
def another_siren(tree: Tree) -> bool:
    """A SIREN of other digits, of another length, with letters or spaces."""
    found = identifiers(tree, "0002", "0231")
    if not found:
        return False
    values = ["000000026", "00000001", "0000000180", "00000001A", "000 000 018", " 000000018 "]
    tree.dice.choice(found).text = tree.dice.choice(values)
    return True


@mutation
def another_siret(tree: Tree) -> bool:
    """A SIRET of another company, of another length, with letters."""
    found = identifiers(tree, "0009")
    if not found:
        return False
    tree.dice.choice(found).text = tree.dice.choice(["00000002600013", "0000000180001", "0000000180001A", "1", "x"])
    return True


@mutation
def another_electronic_address(tree: Tree) -> bool:
    """Without the SIREN in front, with signs that are not allowed, too long."""
    found = tree.all(lambda element: name_of(element) in {"URIID", "EndpointID"})
    if not found:
        return False
    values = [
        "000000026",
        "000000018 STATUTS",
        "000000018/é",
        "0" * 126,
        "0" * 125,
        "alice@aulnes.example",
        "000000034_x",
    ]
    element = tree.dice.choice(found)
    element.text = tree.dice.choice(values)
    if tree.dice.random() < 0.3:
        element.set("schemeID", tree.dice.choice(["0225", "EM", "0009", "0088"]))
    return True


@mutation
def another_routing_code(tree: Tree) -> bool:
    """An identifier of scheme 0224 with signs that are not allowed, or too long."""
    found = identifiers(tree, "0224")
    if not found:
        return False
    tree.dice.choice(found).text = tree.dice.choice(["A B", "é", "0" * 101, "0" * 100, "A+B_c.d-e"])
    return True


@mutation
def one_more_identifier(tree: Tree) -> bool:
    """A party with two identifiers: of one scheme, of two, without any."""
    wanted = "GlobalID" if tree.is_cii else "PartyIdentification"
    found = [
        element
        for element in tree.all(lambda element: name_of(element) == wanted)
        if not tree.is_cii or parent_of(element).endswith("TradeParty")
    ]
    if not found:
        return False
    element = tree.dice.choice(found)
    again = copy.deepcopy(element)
    leaf = again if tree.is_cii else again[0]
    scheme = tree.dice.choice(["0009", "0224", "0231", "0088", "0002", ""])
    leaf.text = tree.dice.choice(["000000018", "00000001800010", "AUTRE"])
    leaf.attrib.pop("schemeID", "")
    if scheme:
        leaf.set("schemeID", scheme)
    after(element, again)
    return True


@mutation
def remove_a_legal_identifier(tree: Tree) -> bool:
    """A party without its SIREN, or without its legal entity."""
    found = tree.all(lambda element: name_of(element) in {"SpecifiedLegalOrganization", "PartyLegalEntity"})
    found += identifiers(tree, "0002")
    if found:
        remove(tree.dice.choice(found))
    return bool(found)


@mutation
def remove_an_electronic_address(tree: Tree) -> bool:
    """BT-34 or BT-49."""
    found = tree.all(lambda element: name_of(element) in {"URIUniversalCommunication", "EndpointID"})
    if found:
        remove(tree.dice.choice(found))
    return bool(found)


@mutation
def another_description_of_a_document(tree: Tree) -> bool:
    """BT-123, of the list of France or not."""
    found = tree.within(_AGREEMENT, "AdditionalDocumentReference", "Name" if tree.is_cii else "DocumentDescription")
    if not found:
        return False
    values = ["RIB", "LISIBLE", "PJA", "Bon de livraison", "rib", "DOCUMENT_ANNEXE ", ""]
    tree.dice.choice(found).text = tree.dice.choice(values)
    return True


@mutation
def repeat_a_document(tree: Tree) -> bool:
    """Two supporting documents, both LISIBLE for instance."""
    found = tree.all(
        lambda element: name_of(element) in {"AdditionalReferencedDocument", "AdditionalDocumentReference"}
    )
    if not found:
        return False
    element = tree.dice.choice(found)
    after(element, copy.deepcopy(element))
    return True


@mutation
def an_object_of_a_french_scheme(tree: Tree) -> bool:
    """AFL and AVV (UNTDID 1153), which group lines by the invoice they come from."""
    scheme = tree.dice.choice(["AFL", "AVV"])
    if tree.is_cii:
        element = tree.leaf(frozenset({"ReferenceTypeCode"}))
        if element is not None:
            element.text = scheme
        return element is not None
    found = tree.all(lambda element: name_of(element) == "ID" and _is_object(element))
    if found:
        tree.dice.choice(found).set("schemeID", scheme)
    return bool(found)


def _is_object(element: Element) -> bool:
    parent = element.getparent()
    return parent is not None and any(
        name_of(child) == "DocumentTypeCode" and text_of(child) == "130" for child in parent
    )


def earlier_invoices(tree: Tree) -> list[Element]:
    """The references to earlier invoices (BG-3)."""
    return tree.all(lambda element: name_of(element) in {"InvoiceReferencedDocument", "BillingReference"})


@mutation
def remove_an_earlier_invoice(tree: Tree) -> bool:
    """A credit note must name one."""
    found = earlier_invoices(tree)
    if found:
        remove(tree.dice.choice(found))
    return bool(found)


@mutation
def repeat_an_earlier_invoice(tree: Tree) -> bool:
    """A corrective invoice may name one only."""
    found = earlier_invoices(tree)
    if not found:
        return False
    element = tree.dice.choice(found)
    after(element, copy.deepcopy(element))
    return True


@mutation
def remove_the_date_of_an_earlier_invoice(tree: Tree) -> bool:
    """BT-26."""
    parents = {"InvoiceReferencedDocument", "InvoiceDocumentReference"}
    found = tree.all(
        lambda element: name_of(element) in {"FormattedIssueDateTime", "IssueDate"} and parent_of(element) in parents
    )
    if found:
        remove(tree.dice.choice(found))
    return bool(found)


@mutation
def remove_the_contract(tree: Tree) -> bool:
    """BT-12, which a global rebate needs."""
    found = tree.all(lambda element: name_of(element) in {"ContractReferencedDocument", "ContractDocumentReference"})
    for element in found:
        remove(element)
    return bool(found)


@mutation
def remove_a_period(tree: Tree) -> bool:
    """BG-14 or BG-26."""
    found = tree.all(lambda element: name_of(element) in {"BillingSpecifiedPeriod", "InvoicePeriod"})
    if found:
        remove(tree.dice.choice(found))
    return bool(found)


@mutation
def remove_the_tax_representative(tree: Tree) -> bool:
    """BG-11, which a member of an assujetti unique must have."""
    found = tree.all(
        lambda element: name_of(element) in {"SellerTaxRepresentativeTradeParty", "TaxRepresentativeParty"}
    )
    for element in found:
        remove(element)
    return bool(found)


@mutation
def a_type_code_of_an_earlier_invoice(tree: Tree) -> bool:
    """EXT-FR-FE-02, of the list of France or not."""
    found = tree.all(
        lambda element: (
            name_of(element) in {"InvoiceReferencedDocument", "InvoiceDocumentReference"} and len(element) > 0
        )
    )
    if not found:
        return False
    name = RAM + "TypeCode" if tree.is_cii else CBC + "DocumentTypeCode"
    element = etree.Element(name)
    element.text = tree.dice.choice(["380", "386", "325", "x"])
    last = [child for child in tree.dice.choice(found) if name_of(child) in {"ID", "IssuerAssignedID", "IssueDate"}]
    if not last:
        return False
    after(last[-1], element)
    return True


@mutation
def an_attribute_of_an_item_without_value(tree: Tree) -> bool:
    """BG-32 with a name alone, a value alone, or a measure."""
    found = tree.all(lambda element: name_of(element) in {"ApplicableProductCharacteristic", "AdditionalItemProperty"})
    if not found:
        return False
    element = tree.dice.choice(found)
    if tree.dice.random() < 0.6:
        remove(tree.dice.choice(list(element)))
        return True
    measure = etree.Element(RAM + "ValueMeasure" if tree.is_cii else CBC + "ValueQuantity", unitCode="KGM")
    measure.text = "3"
    after(element[0], measure)
    return True
