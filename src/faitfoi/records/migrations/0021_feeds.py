"""Feeds of news and dead letters: tenants' tables."""

import django.db.models.deletion
import django.utils.timezone
import faitfoi.accounts.identifiers
from django.db import migrations, models

from faitfoi.accounts.tenancy import isolation_sql


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit"),
        ("records", "0020_journal_organisation"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("", "aucun"),
                            ("email", "e-mail"),
                            ("chorus_pro", "Chorus Pro"),
                            ("plateforme_agreee", "plateforme agréée"),
                            ("post", "courrier postal"),
                            ("portal", "portail"),
                        ],
                        max_length=20,
                    ),
                ),
                ("identity", models.CharField(max_length=200)),
                ("about", models.JSONField(default=dict)),
                ("code", models.CharField(max_length=80)),
                ("grade", models.CharField(max_length=20)),
                ("at", models.DateTimeField()),
                ("reason", models.TextField(blank=True)),
                ("who", models.CharField(blank=True, max_length=120)),
                ("raw_sha256", models.CharField(blank=True, max_length=64)),
                ("settled_at", models.DateTimeField(null=True)),
                ("settled_by", models.CharField(blank=True, max_length=120)),
                (
                    "delivery",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="late_news",
                        to="records.delivery",
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
                "indexes": [models.Index(fields=["organisation", "settled_at"], name="records_dea_organis_e823ca_idx")],
                "constraints": [
                    models.UniqueConstraint(fields=("organisation", "channel", "identity"), name="dead_letter_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Feed",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("", "aucun"),
                            ("email", "e-mail"),
                            ("chorus_pro", "Chorus Pro"),
                            ("plateforme_agreee", "plateforme agréée"),
                            ("post", "courrier postal"),
                            ("portal", "portail"),
                        ],
                        max_length=20,
                    ),
                ),
                ("cursor", models.TextField(blank=True)),
                ("looked_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("failure", models.TextField(blank=True)),
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
                "constraints": [models.UniqueConstraint(fields=("organisation", "channel"), name="feed_once")],
            },
        ),
        migrations.RunSQL(isolation_sql("records_deadletter", {"delivery_id": "records_delivery"})),
        migrations.RunSQL(isolation_sql("records_feed", {})),
    ]
