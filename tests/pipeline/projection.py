"""What the tables would be if they were made again from the journal alone: told simply, to judge the real rebuild."""

from uuid import UUID

from django.db import connection, models

from faitfoi.accounts.tenancy import acting_for
from faitfoi.records.images import Image, details_of, imaged_fields, passing, projected, read_details
from faitfoi.records.models import JournalDetails


def folded(organisation_id: UUID) -> dict[tuple[type[models.Model], object], Image]:
    """The last image of each row, in the order of the journal."""
    with acting_for(organisation_id):
        order = {leaf: n for n, leaf in enumerate(_arrived(organisation_id))}
        details = sorted(JournalDetails.objects.all(), key=lambda each: order[each.entry_id])
    last: dict[tuple[type[models.Model], object], Image] = {}
    for each in details:
        for image in read_details(each.body):
            last[image.model, image.key] = image
    return {place: image for place, image in last.items() if image.row is not None}


def differences(organisation_id: UUID) -> list[str]:
    """In what the organisation's tables differ from its journal, each row and column said in a line."""
    told = folded(organisation_id)
    found: list[str] = []
    with acting_for(organisation_id):
        for model in projected():
            for row in _rows(model, organisation_id, told):
                image = told.pop((model, row.pk), None)
                if image is None:
                    found.append(f"{model.__name__} {row}: no entry carries it")
                    continue
                (present,) = read_details(details_of([row]))
                assert image.row is not None
                assert present.row is not None
                fields = [field for field in imaged_fields(model) if field.name not in passing(model)]
                found += [
                    f"{model.__name__} {row}: {field.name} is {present.row[str(field.column)]!r}, "
                    f"the journal says {image.row[str(field.column)]!r}"
                    for field in fields
                    if present.row[str(field.column)] != image.row[str(field.column)]
                ]
    return found + [f"{model.__name__} {key}: not in its table" for model, key in told]


def _rows(
    model: type[models.Model], organisation_id: UUID, told: dict[tuple[type[models.Model], object], Image]
) -> list[models.Model]:
    """The organisation's rows; of a table of the whole installation, those that its journal names."""
    rows = model._default_manager.all()
    if any(field.attname == "organisation_id" for field in imaged_fields(model)):
        return list(rows.filter(organisation_id=organisation_id))
    return list(rows.filter(pk__in=[key for named, key in told if named is model]))


def _arrived(organisation_id: UUID) -> list[UUID]:
    with connection.cursor() as cursor:
        sql = "SELECT entry_id FROM records_journalleaf WHERE organisation_id = %s ORDER BY arrival"
        cursor.execute(sql, [organisation_id])
        return [entry_id for (entry_id,) in cursor.fetchall()]
