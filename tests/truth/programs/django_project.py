# SPDX-License-Identifier: MIT
"""manage.py migrate, then manage.py test, on an SQLite database in memory."""
import logging
import sys

import django
from django.conf import settings
from django.core.management import call_command

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth",
                    "django.contrib.sessions", "notes"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.common.CommonMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"], SECRET_KEY="not one",
    ROOT_URLCONF="notes.urls", USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField")
logging.disable(logging.CRITICAL)
django.setup()
call_command("migrate", verbosity=0)
try:
    call_command("test", "notes", verbosity=0)
except SystemExit as end:
    sys.exit(end.code)
