"""Payments and late news of another year are not an auditor's."""

from django.db import migrations

from faitfoi.accounts.tenancy import days_sql

DAYS = {
    "records_payment": "EXISTS (SELECT FROM records_document d WHERE d.id = {table}.document_id)",
    "records_deadletter": "EXISTS (SELECT FROM records_delivery d WHERE d.id = {table}.delivery_id)",
}


class Migration(migrations.Migration):
    dependencies = [("records", "0024_directory")]
    operations = [migrations.RunSQL(days_sql(table, condition)) for table, condition in DAYS.items()]
