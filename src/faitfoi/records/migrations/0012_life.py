"""Retention, holds and eliminations, and the door through which an elimination empties what only grows."""

import django.db.models.deletion
import django.utils.timezone
import faitfoi.accounts.identifiers
from django.db import migrations, models

from faitfoi.accounts.tenancy import isolation_sql

TABLES: dict[str, dict[str, str]] = {
    "records_retentionrule": {},
    "records_hold": {"document_id": "records_document", "customer_id": "records_customer"},
    "records_elimination": {},
    "records_eliminationitem": {"elimination_id": "records_elimination", "document_id": "records_document"},
}

# An elimination may empty what was said of a document, and nothing else of it.
EVENTS = """
CREATE OR REPLACE FUNCTION records_event_keep() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF TG_OP = 'UPDATE' AND current_setting('faitfoi.elimination', true) = 'on'
    AND NEW.reason = '' AND NEW.who = ''
    AND to_jsonb(NEW) - 'reason' - 'who' = to_jsonb(OLD) - 'reason' - 'who'
  THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'records_event only grows: % refused', TG_OP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit"),
        ("records", "0011_mirrored_segments"),
    ]

    operations = [
        migrations.AddField(
            model_name="document",
            name="eliminated_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="Elimination",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "demandée"),
                            ("refused", "refusée"),
                            ("approved", "approuvée"),
                            ("done", "faite"),
                        ],
                        default="requested",
                        max_length=10,
                    ),
                ),
                ("reason", models.TextField()),
                ("requested_by", models.CharField(max_length=120)),
                ("decided_by", models.CharField(blank=True, max_length=120)),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_reason", models.TextField(blank=True)),
                ("packs", models.JSONField(default=list)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="attestation",
            name="elimination",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attestations",
                to="records.elimination",
            ),
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("document", "un document"),
                            ("customer", "un client"),
                            ("period", "une période"),
                            ("organisation", "toute l’organisation"),
                        ],
                        max_length=20,
                    ),
                ),
                ("first_day", models.DateField(null=True)),
                ("last_day", models.DateField(null=True)),
                ("reason", models.TextField()),
                ("placed_by", models.CharField(max_length=120)),
                ("lifted_at", models.DateTimeField(null=True)),
                ("lifted_by", models.CharField(blank=True, max_length=120)),
                ("lift_reason", models.TextField(blank=True)),
                (
                    "customer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="records.customer",
                    ),
                ),
                (
                    "document",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="records.document",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="EliminationItem",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("objects_gone", models.JSONField(default=list)),
                ("done", models.BooleanField(default=False)),
                (
                    "document",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="eliminations", to="records.document"
                    ),
                ),
                (
                    "elimination",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="items", to="records.elimination"
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("elimination", "document"), name="document_once_in_an_elimination")
                ],
            },
        ),
        migrations.CreateModel(
            name="RetentionRule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("category", models.CharField(max_length=20)),
                ("years", models.PositiveSmallIntegerField()),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("organisation", "category"), name="one_retention_of_each_category")
                ],
            },
        ),
        *(migrations.RunSQL(isolation_sql(table, references)) for table, references in TABLES.items()),
        migrations.RunSQL(EVENTS),
    ]
