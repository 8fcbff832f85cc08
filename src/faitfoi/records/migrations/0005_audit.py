"""Runs of controls, the written audit trail, and the days that a transaction may read of (an auditor's years)."""

import django.db.models.deletion
import django.utils.timezone
import faitfoi.accounts.identifiers
import faitfoi.records.models_audit
from django.db import migrations, models

from faitfoi.accounts.tenancy import append_only_sql, days_sql, isolation_sql

TABLES = ("records_auditsettings", "records_controlrun", "records_writtentrail")
DOCUMENT = "EXISTS (SELECT FROM records_document d WHERE d.id = {table}.document_id)"
DAYS = {
    "records_document": "issue_date <@ {days}",
    "records_burntnumber": DOCUMENT,
    "records_artefact": DOCUMENT,
    "records_delivery": DOCUMENT,
    "records_event": DOCUMENT,
    # A line that was refused has no document, so no day: nobody can say that it is of those years.
    "records_batchline": DOCUMENT,
    "records_attempt": "EXISTS (SELECT FROM records_delivery d WHERE d.id = {table}.delivery_id)",
    "records_batch": "EXISTS (SELECT FROM records_batchline l WHERE l.batch_id = {table}.id)",
    "records_customer": "EXISTS (SELECT FROM records_document d WHERE d.customer_id = {table}.id)",
    "records_journalentry": "document_id IS NULL OR " + DOCUMENT,
    "records_channelsettings": "false",
}


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit"),
        ("records", "0004_checkpoint_stamps"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditSettings",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("responsible", models.CharField(blank=True, max_length=120)),
                ("required", models.JSONField(default=list)),
                ("unique", models.JSONField(default=faitfoi.records.models_audit.default_unique)),
                ("before_invoicing", models.TextField(blank=True)),
                ("after_sending", models.TextField(blank=True)),
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
                "constraints": [models.UniqueConstraint(fields=("organisation",), name="audit_settings_once")],
            },
        ),
        migrations.CreateModel(
            name="ControlRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("control", models.SlugField(max_length=30)),
                ("checked", models.PositiveIntegerField()),
                ("found", models.PositiveIntegerField()),
                ("untold", models.PositiveIntegerField(default=0)),
                ("findings", models.JSONField(default=list)),
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
                "indexes": [
                    models.Index(
                        fields=["organisation", "control", "created_at"], name="records_con_organis_b3f428_idx"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WrittenTrail",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("version", models.PositiveIntegerField()),
                ("statement", models.JSONField()),
                ("changed", models.JSONField(default=list)),
                ("sha256", models.CharField(max_length=64)),
                ("sha512", models.CharField(max_length=128)),
                ("size", models.PositiveBigIntegerField()),
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
                    models.UniqueConstraint(fields=("organisation", "version"), name="written_trail_version_once")
                ],
            },
        ),
        *(migrations.RunSQL(isolation_sql(table, {})) for table in TABLES),
        *(migrations.RunSQL(append_only_sql(table)) for table in TABLES if table != "records_auditsettings"),
        *(migrations.RunSQL(days_sql(table, condition)) for table, condition in DAYS.items()),
    ]
