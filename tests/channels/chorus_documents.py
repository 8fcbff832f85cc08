"""Invoices for Chorus Pro, built from text: the least that carries a number, parties, routing data and amounts."""

import io
from dataclasses import dataclass
from decimal import Decimal

import pikepdf

SUPPLIER = "00000001800017"
OTHER_SUPPLIER = "00000012500013"
TOWN = "00000071100010"
HOSPITAL = "00000072900012"
SCHOOL = "00000073700015"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a test wants the invoice to say."""

    number: str = "F-2026-117"
    supplier: str = SUPPLIER
    recipient: str = TOWN
    service: str = ""
    engagement: str = ""
    due: str = "120.00"
    issued: str = "2026-11-20"
    means: str = "30"


def cii(bill: Bill) -> bytes:
    """Write the bill as Cross Industry Invoice, EN 16931 profile, with legacy Chorus identifiers."""
    due = Decimal(bill.due)
    net = (due / Decimal("1.2")).quantize(Decimal("0.01"))
    service = f"<ram:BuyerReference>{bill.service}</ram:BuyerReference>" if bill.service else ""
    order = (
        "<ram:BuyerOrderReferencedDocument><ram:IssuerAssignedID>"
        f"{bill.engagement}</ram:IssuerAssignedID></ram:BuyerOrderReferencedDocument>"
        if bill.engagement
        else ""
    )
    means = (
        f"<ram:SpecifiedTradeSettlementPaymentMeans><ram:TypeCode>{bill.means}</ram:TypeCode>"
        "</ram:SpecifiedTradeSettlementPaymentMeans>"
        if bill.means
        else ""
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
 xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
 xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>urn:cen.eu:en16931:2017</ram:ID>
</ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
<rsm:ExchangedDocument><ram:ID>{bill.number}</ram:ID><ram:TypeCode>380</ram:TypeCode><ram:IssueDateTime>
<udt:DateTimeString format="102">{bill.issued.replace("-", "")}</udt:DateTimeString></ram:IssueDateTime>
</rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction>
<ram:IncludedSupplyChainTradeLineItem><ram:AssociatedDocumentLineDocument><ram:LineID>1</ram:LineID>
</ram:AssociatedDocumentLineDocument><ram:SpecifiedTradeProduct><ram:Name>Paille</ram:Name></ram:SpecifiedTradeProduct>
<ram:SpecifiedLineTradeAgreement><ram:NetPriceProductTradePrice><ram:ChargeAmount>{net}</ram:ChargeAmount>
</ram:NetPriceProductTradePrice></ram:SpecifiedLineTradeAgreement><ram:SpecifiedLineTradeDelivery>
<ram:BilledQuantity unitCode="C62">1</ram:BilledQuantity></ram:SpecifiedLineTradeDelivery>
<ram:SpecifiedLineTradeSettlement><ram:ApplicableTradeTax><ram:TypeCode>VAT</ram:TypeCode>
<ram:CategoryCode>S</ram:CategoryCode><ram:RateApplicablePercent>20</ram:RateApplicablePercent></ram:ApplicableTradeTax>
<ram:SpecifiedTradeSettlementLineMonetarySummation><ram:LineTotalAmount>{net}</ram:LineTotalAmount>
</ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement>
</ram:IncludedSupplyChainTradeLineItem>
<ram:ApplicableHeaderTradeAgreement>{service}
<ram:SellerTradeParty><ram:Name>Coopérative du Val Fleuri</ram:Name><ram:SpecifiedLegalOrganization>
<ram:ID schemeID="0002">{bill.supplier}</ram:ID></ram:SpecifiedLegalOrganization></ram:SellerTradeParty>
<ram:BuyerTradeParty><ram:Name>Commune de Valombreuse</ram:Name><ram:SpecifiedLegalOrganization>
<ram:ID schemeID="0002">{bill.recipient}</ram:ID></ram:SpecifiedLegalOrganization></ram:BuyerTradeParty>{order}
</ram:ApplicableHeaderTradeAgreement><ram:ApplicableHeaderTradeDelivery/>
<ram:ApplicableHeaderTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>{means}
<ram:ApplicableTradeTax><ram:CalculatedAmount>{due - net}</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode>
<ram:BasisAmount>{net}</ram:BasisAmount><ram:CategoryCode>S</ram:CategoryCode>
<ram:RateApplicablePercent>20</ram:RateApplicablePercent></ram:ApplicableTradeTax>
<ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:LineTotalAmount>{net}</ram:LineTotalAmount>
<ram:TaxBasisTotalAmount>{net}</ram:TaxBasisTotalAmount><ram:TaxTotalAmount currencyID="EUR">{due - net}
</ram:TaxTotalAmount><ram:GrandTotalAmount>{due}</ram:GrandTotalAmount><ram:DuePayableAmount>{due}</ram:DuePayableAmount>
</ram:SpecifiedTradeSettlementHeaderMonetarySummation></ram:ApplicableHeaderTradeSettlement>
</rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>""".encode()


def ubl(bill: Bill) -> bytes:
    """Write the bill as a UBL invoice."""
    due = Decimal(bill.due)
    net = (due / Decimal("1.2")).quantize(Decimal("0.01"))
    party = (
        "<cac:Party><cac:PartyName><cbc:Name>{name}</cbc:Name></cac:PartyName><cac:PartyLegalEntity>"
        '<cbc:RegistrationName>{name}</cbc:RegistrationName><cbc:CompanyID schemeID="0002">{siret}</cbc:CompanyID>'
        "</cac:PartyLegalEntity></cac:Party>"
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID><cbc:ID>{bill.number}</cbc:ID>
<cbc:IssueDate>{bill.issued}</cbc:IssueDate><cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>
<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:AccountingSupplierParty>{party.format(name="Coopérative du Val Fleuri", siret=bill.supplier)}
</cac:AccountingSupplierParty><cac:AccountingCustomerParty>
{party.format(name="Commune de Valombreuse", siret=bill.recipient)}</cac:AccountingCustomerParty>
<cac:PaymentMeans><cbc:PaymentMeansCode>{bill.means}</cbc:PaymentMeansCode></cac:PaymentMeans>
<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">{due - net}</cbc:TaxAmount></cac:TaxTotal>
<cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID="EUR">{net}</cbc:LineExtensionAmount>
<cbc:TaxExclusiveAmount currencyID="EUR">{net}</cbc:TaxExclusiveAmount>
<cbc:TaxInclusiveAmount currencyID="EUR">{due}</cbc:TaxInclusiveAmount>
<cbc:PayableAmount currencyID="EUR">{due}</cbc:PayableAmount></cac:LegalMonetaryTotal>
<cac:InvoiceLine><cbc:ID>1</cbc:ID><cbc:InvoicedQuantity unitCode="C62">1</cbc:InvoicedQuantity>
<cbc:LineExtensionAmount currencyID="EUR">{net}</cbc:LineExtensionAmount><cac:Item><cbc:Name>Paille</cbc:Name>
<cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>20</cbc:Percent><cac:TaxScheme><cbc:ID>VAT</cbc:ID>
</cac:TaxScheme></cac:ClassifiedTaxCategory></cac:Item><cac:Price>
<cbc:PriceAmount currencyID="EUR">{net}</cbc:PriceAmount></cac:Price></cac:InvoiceLine></Invoice>""".encode()


def facturx(bill: Bill) -> bytes:
    """Wrap the CII of the bill in a one-page PDF, attached as factur-x.xml."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    attached = pikepdf.AttachedFileSpec(
        pdf, cii(bill), description="", filename="factur-x.xml", mime_type="text/xml", creation_date="", mod_date=""
    )
    attached.obj["/AFRelationship"] = pikepdf.Name.Data
    pdf.attachments["factur-x.xml"] = attached
    pdf.Root.AF = pdf.make_indirect(pikepdf.Array([attached.obj]))
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True)
    return out.getvalue()
