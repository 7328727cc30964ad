# SPDX-License-Identifier: MIT
"""One table."""
from django.db import models


class Note(models.Model):
    """With a constraint to break."""

    title = models.CharField(max_length=20, unique=True)
    stars = models.DecimalField(max_digits=4, decimal_places=2, default=0)
