# SPDX-License-Identifier: MIT
"""Run by Django's own test runner."""
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.template import Context, Template
from django.test import TestCase

from notes.models import Note


class NoteTest(TestCase):
    """The database, the client, templates."""

    def setUp(self):
        self.note = Note.objects.create(title="one", stars=3)

    def test_database(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            Note.objects.create(title="one")
        with self.assertRaises(ValidationError):
            Note(title="x" * 30).full_clean()
        with self.assertRaises(Note.DoesNotExist):
            Note.objects.get(title="two")
        self.assertEqual(Note.objects.filter(stars__gte=1).count(), 1)

    def test_client(self):
        self.assertEqual(self.client.get("/note/one/").json(), {"title": "one"})
        self.assertEqual(self.client.get("/note/two/").status_code, 404)
        self.assertEqual(self.client.get("/later/").content, b"later")
        self.client.raise_request_exception = False
        self.assertEqual(self.client.get("/fails/").status_code, 500)

    def test_template(self):
        text = Template("{% for n in notes %}{{ n.title|upper }}{{ n.nothing.at.all }}{% endfor %}")
        self.assertEqual(text.render(Context({"notes": [self.note]})), "ONE")
