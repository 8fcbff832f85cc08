"""The days that a transaction is held to are read once for a statement; they were read again for each row."""

from importlib import import_module

from django.db import migrations

from faitfoi.accounts.tenancy import days_sql

_AUDIT = import_module("faitfoi.records.migrations.0005_audit")
_AUDITORS = import_module("faitfoi.records.migrations.0013_auditors_days")
_ACTS = import_module("faitfoi.records.migrations.0017_acts")
CONDITIONS: dict[str, str] = {
    **_AUDIT.DAYS,
    **dict.fromkeys(_AUDITORS.TABLES, _AUDITORS.DOCUMENT),
    **_ACTS.DAYS,
}


class Migration(migrations.Migration):
    dependencies = [("records", "0022_payments")]
    operations = [
        migrations.RunSQL(f"DROP POLICY days ON {table}; {days_sql(table, condition)}")
        for table, condition in CONDITIONS.items()
    ]
