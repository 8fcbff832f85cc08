"""The French rules BR-FR-Flux2 (FNFE, V1.4.0) on the model: importing this registers them all."""

from faitfoi.einvoice.rules import (
    french_amounts,
    french_extended,
    french_groups,
    french_identity,
    french_parties,
    french_references,
    french_vat,
)

MODULES = (
    french_identity,
    french_parties,
    french_vat,
    french_amounts,
    french_references,
    french_groups,
    french_extended,
)
