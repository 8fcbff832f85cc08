"""E-mail: standings of addresses, texts, files, pace, return path; and the language of a customer."""

import django.db.models.deletion
import django.utils.timezone
import faitfoi.accounts.identifiers
from django.db import migrations, models


from faitfoi.accounts.tenancy import isolation_sql

TABLES: dict[str, dict[str, str]] = {
    "records_mailboxplace": {},
    "records_mailfile": {"customer_id": "records_customer", "batch_id": "records_batch"},
    "records_mailpace": {},
    "records_mailstanding": {},
    "records_mailtext": {},
    "records_paceslot": {},
    "records_returncheck": {},
}


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit"),
        ("records", "0017_acts"),
    ]

    operations = [
        migrations.CreateModel(
            name="WebhookDoor",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("organisation_id", models.UUIDField()),
                ("provider", models.CharField(max_length=20)),
            ],
        ),
        migrations.AddField(
            model_name="customer",
            name="language",
            field=models.CharField(blank=True, max_length=2),
        ),
        migrations.CreateModel(
            name="MailboxPlace",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("mailbox", models.CharField(max_length=300)),
                ("validity", models.BigIntegerField()),
                ("uid", models.BigIntegerField(default=0)),
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
                "constraints": [models.UniqueConstraint(fields=("organisation", "mailbox"), name="mailbox_place_once")],
            },
        ),
        migrations.CreateModel(
            name="MailFile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("filename", models.CharField(max_length=120)),
                ("media_type", models.CharField(max_length=80)),
                ("sha256", models.CharField(max_length=64)),
                (
                    "batch",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mail_files",
                        to="records.batch",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mail_files",
                        to="records.customer",
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
                    models.UniqueConstraint(
                        fields=("organisation", "customer", "batch", "filename"),
                        name="mail_file_once",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("customer", None), ("batch", None), _connector="XOR"),
                        name="mail_file_of_one_customer_or_batch",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MailPace",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("scope", models.CharField(max_length=10)),
                ("name", models.CharField(max_length=254)),
                ("free_at", models.DateTimeField()),
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
                    models.UniqueConstraint(fields=("organisation", "scope", "name"), name="mail_pace_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="MailStanding",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("address", models.CharField(max_length=254)),
                (
                    "state",
                    models.CharField(
                        choices=[("good", "reçoit"), ("full", "pleine"), ("hard", "ne reçoit pas")],
                        default="good",
                        max_length=10,
                    ),
                ),
                ("full_at", models.JSONField(default=list)),
                ("since", models.DateTimeField()),
                ("code", models.CharField(blank=True, max_length=80)),
                ("sentence", models.TextField(blank=True)),
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
                "constraints": [models.UniqueConstraint(fields=("organisation", "address"), name="mail_standing_once")],
            },
        ),
        migrations.CreateModel(
            name="MailText",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("language", models.CharField(max_length=2)),
                ("kind", models.CharField(max_length=20)),
                ("subject", models.CharField(max_length=200)),
                ("body", models.TextField()),
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
                    models.UniqueConstraint(fields=("organisation", "language", "kind"), name="mail_text_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="PaceSlot",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("delivery_id", models.UUIDField(unique=True)),
                ("at", models.DateTimeField()),
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
                "indexes": [models.Index(fields=["organisation", "at"], name="records_pac_organis_4c525c_idx")],
            },
        ),
        migrations.CreateModel(
            name="ReturnCheck",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("token", models.CharField(max_length=26, unique=True)),
                ("sent_at", models.DateTimeField()),
                ("back_at", models.DateTimeField(null=True)),
                ("trouble", models.TextField(blank=True)),
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
                "indexes": [models.Index(fields=["organisation", "sent_at"], name="records_ret_organis_b3b90c_idx")],
            },
        ),
        *(migrations.RunSQL(isolation_sql(table, references)) for table, references in TABLES.items()),
    ]
