# SPDX-License-Identifier: MIT
"""A REST API over SQLite: create, read, change and delete notes, and search them."""
import os
import sqlite3

from flask import Flask, g, jsonify, request

DATABASE = os.environ.get("NOTES_DATABASE", "notes.db")
SCHEMA = """CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL DEFAULT '')"""

app = Flask(__name__)

if os.environ.get("NOTES_TRACE"):  # from inside; without it the application knows nothing of it
    from flowtrace_agent import Config
    from flowtrace_agent.frameworks.flask import init_flowtrace

    init_flowtrace(app, Config(package_prefix=__name__))


class NotFound(LookupError):
    """There is no such note."""


class Invalid(ValueError):
    """What was sent is not a note."""


# ---- the database ---------------------------------------------------------------------------


def database():
    """This request's connection."""
    if "database" not in g:
        g.database = sqlite3.connect(DATABASE, timeout=10)
        g.database.row_factory = sqlite3.Row
        g.database.execute(SCHEMA)
    return g.database


@app.teardown_appcontext
def close_database(error):
    connection = g.pop("database", None)
    if connection is not None:
        connection.close()


def query(sql, *values):
    """The rows that a statement gives, as dicts."""
    return [dict(row) for row in database().execute(sql, values)]


def change(sql, *values):
    """Runs a statement and keeps what it did; returns its cursor."""
    with database():
        return database().execute(sql, values)


# ---- notes ----------------------------------------------------------------------------------


def find_note(number):
    rows = query("SELECT * FROM notes WHERE id = ?", number)
    if not rows:
        raise NotFound("no note %d" % number)
    return rows[0]


def read_note(data):
    """Title and text of what was sent."""
    if not isinstance(data, dict) or not str(data.get("title", "")).strip():
        raise Invalid("a note has a title")
    return str(data["title"]).strip(), str(data.get("text", ""))


def create_note(data):
    title, text = read_note(data)
    return find_note(change("INSERT INTO notes (title, text) VALUES (?, ?)", title, text).lastrowid)


def update_note(number, data):
    find_note(number)
    title, text = read_note(data)
    change("UPDATE notes SET title = ?, text = ? WHERE id = ?", title, text, number)
    return find_note(number)


def delete_note(number):
    find_note(number)
    change("DELETE FROM notes WHERE id = ?", number)


def search_notes(word):
    like = "%" + word.replace("%", "") + "%"
    return query("SELECT * FROM notes WHERE title LIKE ? OR text LIKE ? ORDER BY id", like, like)


# ---- requests -------------------------------------------------------------------------------


@app.get("/notes")
def list_notes():
    return jsonify(search_notes(request.args.get("q", "")))


@app.post("/notes")
def post_note():
    return create_note(request.get_json(silent=True)), 201


@app.get("/notes/<int:number>")
def get_note(number):
    return find_note(number)


@app.put("/notes/<int:number>")
def put_note(number):
    return update_note(number, request.get_json(silent=True))


@app.delete("/notes/<int:number>")
def remove_note(number):
    delete_note(number)
    return "", 204


@app.errorhandler(NotFound)
def not_found(why):
    return {"error": str(why)}, 404


@app.errorhandler(Invalid)
def invalid(why):
    return {"error": str(why)}, 400


@app.get("/report")
def report():
    """Streamed, a line a note."""
    notes = search_notes("")

    def lines():
        for note in notes:
            yield "%(id)d %(title)s\n" % note

    return app.response_class(lines(), mimetype="text/plain")
