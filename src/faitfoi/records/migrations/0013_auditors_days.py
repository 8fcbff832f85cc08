"""Attestations, holds and eliminations of another year are not an auditor's; a row without a document has no year."""

from django.db import migrations

from faitfoi.accounts.tenancy import days_sql

DOCUMENT = "EXISTS (SELECT FROM records_document d WHERE d.id = {table}.document_id)"
TABLES = ("records_attestation", "records_hold", "records_eliminationitem")


class Migration(migrations.Migration):
    dependencies = [("records", "0012_life")]
    operations = [migrations.RunSQL(days_sql(table, DOCUMENT)) for table in TABLES]
