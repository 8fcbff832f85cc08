"""The size of the seller, which decides from when it must issue how; and whether customers get a notice."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit"),
    ]

    operations = [
        migrations.AddField(
            model_name="organisation",
            name="notice_channel",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "aucun"),
                    ("email", "e-mail"),
                    ("chorus_pro", "Chorus Pro"),
                    ("plateforme_agreee", "plateforme agréée"),
                    ("post", "courrier postal"),
                    ("portal", "portail"),
                ],
                default="",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="organisation",
            name="size",
            field=models.CharField(
                choices=[
                    ("large", "grande entreprise"),
                    ("intermediate", "entreprise de taille intermédiaire"),
                    ("small", "petite ou moyenne entreprise"),
                    ("micro", "microentreprise"),
                ],
                default="small",
                max_length=20,
            ),
        ),
    ]
