"""Where the text of the numbers used lies, beside the checkpoint that commits to it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0014_stamp_renewals")]
    operations = [
        migrations.AddField(
            model_name="checkpoint",
            name="marks",
            field=models.CharField(blank=True, default="", max_length=120),
        ),
    ]
