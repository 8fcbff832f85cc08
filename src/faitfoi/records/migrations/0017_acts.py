"""Acts: what is told to the other side about a document that it has; and how a person settled a delivery."""

import django.db.models.deletion
import django.utils.timezone
import faitfoi.accounts.identifiers
from django.db import migrations, models

from faitfoi.accounts.tenancy import days_sql, isolation_sql


TABLES: dict[str, dict[str, str]] = {
    "records_act": {"delivery_id": "records_delivery"},
    "records_actattempt": {"act_id": "records_act"},
    "records_actfile": {"act_id": "records_act"},
}
DAYS = {
    "records_act": "EXISTS (SELECT FROM records_delivery d WHERE d.id = {table}.delivery_id)",
    "records_actattempt": "EXISTS (SELECT FROM records_act a WHERE a.id = {table}.act_id)",
    "records_actfile": "EXISTS (SELECT FROM records_act a WHERE a.id = {table}.act_id)",
}


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_isolation"),
        ("records", "0016_series"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="settled",
            field=models.TextField(blank=True),
        ),
        migrations.CreateModel(
            name="Act",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("kind", models.CharField(max_length=40)),
                ("intent", models.CharField(blank=True, max_length=80)),
                ("sequence", models.PositiveSmallIntegerField(default=1)),
                ("key", models.CharField(max_length=300, unique=True)),
                ("values", models.JSONField(default=dict)),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("routed", "à envoyer"),
                            ("sending", "envoi en cours"),
                            ("sent", "envoyée"),
                            ("accepted", "acceptée"),
                            ("delivered", "remise"),
                            ("returned", "revenue"),
                            ("rejected", "rejetée"),
                            ("to_find", "à retrouver"),
                            ("unknown", "sort inconnu"),
                            ("to_fix", "à corriger"),
                            ("held", "en attente"),
                        ],
                        default="routed",
                        max_length=10,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("settled", models.TextField(blank=True)),
                ("attempts_made", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("next_question_at", models.DateTimeField(null=True)),
                ("questions_asked", models.PositiveSmallIntegerField(default=0)),
                ("references", models.JSONField(default=dict)),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="acts", to="records.delivery"
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
            name="ActAttempt",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("number", models.PositiveSmallIntegerField()),
                ("worker", models.CharField(max_length=120)),
                ("deadline", models.DateTimeField()),
                ("lease_until", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("claimed", "en cours"),
                            ("receipt", "reçu obtenu"),
                            ("not_sent", "non parti"),
                            ("refused", "refusé"),
                            ("unknown", "réponse perdue"),
                        ],
                        default="claimed",
                        max_length=10,
                    ),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                ("detail", models.TextField(blank=True)),
                (
                    "act",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="attempts", to="records.act"
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
            name="ActFile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("position", models.PositiveSmallIntegerField()),
                ("filename", models.CharField(max_length=150)),
                ("media_type", models.CharField(max_length=80)),
                ("sha256", models.CharField(max_length=64)),
                (
                    "act",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="files", to="records.act"
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
        migrations.AddIndex(
            model_name="act",
            index=models.Index(
                fields=["organisation", "stage", "next_attempt_at"], name="records_act_organis_ea8804_idx"
            ),
        ),
        migrations.AddConstraint(
            model_name="act",
            constraint=models.UniqueConstraint(fields=("delivery", "kind", "intent", "sequence"), name="act_once"),
        ),
        migrations.AddConstraint(
            model_name="actattempt",
            constraint=models.UniqueConstraint(fields=("act", "number"), name="act_attempt_number_once"),
        ),
        migrations.AddConstraint(
            model_name="actattempt",
            constraint=models.UniqueConstraint(
                condition=models.Q(("outcome", "claimed")), fields=("act",), name="one_open_attempt_of_each_act"
            ),
        ),
        migrations.AddConstraint(
            model_name="actfile",
            constraint=models.UniqueConstraint(fields=("act", "position"), name="act_file_once"),
        ),
        *(migrations.RunSQL(isolation_sql(table, references)) for table, references in TABLES.items()),
        *(migrations.RunSQL(days_sql(table, condition)) for table, condition in DAYS.items()),
    ]
