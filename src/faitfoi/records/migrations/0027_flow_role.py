"""A rendering of its own for the plateforme agréée."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0026_mail_wishes")]
    operations = [
        migrations.AlterField(
            model_name="artefact",
            name="role",
            field=models.CharField(
                choices=[
                    ("original", "original reçu"),
                    ("legal", "original scellé"),
                    ("chorus", "version Chorus Pro"),
                    ("flow", "version pour la plateforme agréée"),
                    ("copy", "copie"),
                ],
                max_length=20,
            ),
        )
    ]
