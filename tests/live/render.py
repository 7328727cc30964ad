# SPDX-License-Identifier: MIT
"""The contract's "Values" table, written once more, in plain Python.

What the collector does in BPF and C is done here with the base classes' own methods, so that
the two can be compared. Nothing of the application is run: no repr, str, eq, iter or property
of a subclass. Python 3.8 and later; runs inside the traced program, so it imports nothing that
the program might not want imported.
"""
DEPTH = 6
ITEMS = 64
PARAMETERS = 64
# No field is longer than its limit of 1000 characters, so what comes after this does not count.
ENOUGH = 6000
# Stands for what the contract leaves open; equal to anything.
ANY = "\ue000any"
# Opens the text of a container of which the collector may show less: it counts table slots.
LOOSE = "\ue001loose"
REDACT = frozenset(("password", "passwd", "secret", "token", "authorization", "api_key", "cookie"))

# Sets of more elements than this may have a table of more than ITEMS slots.
SMALL_SET = 18
_SIMPLE = (type(None), bool, int, float, str, bytes)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def is_redacted(name):
    """Whole names, ASCII case ignored, "-" = "_", a leading HTTP_ ignored."""
    if type(name) is bytes:
        name = name.decode("latin-1")
    if type(name) is not str:
        return False
    name = "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in name).replace("-", "_")
    return (name[5:] if name.startswith("http_") else name) in REDACT


def quote(text):
    """A JSON string in ASCII; a lone surrogate stays an escape."""
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(char):
    code = ord(char)
    if char in _ESCAPES:
        return _ESCAPES[char]
    if 32 <= code < 127:
        return char
    if code < 0x10000:
        return "\\u%04x" % code
    code -= 0x10000
    return "\\u%04x\\u%04x" % (0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF))


class Renderer:
    """Renders one field; remembers how much it has written."""

    def __init__(self, redact):
        self.redact = redact
        self.left = ENOUGH

    def text(self, value):
        """A str as a JSON string, cut where no field could reach."""
        full = str.__str__(value) if type(value) is str else str.__getitem__(value, slice(None))
        full = str.__getitem__(full, slice(ENOUGH))
        self.left -= len(full)
        return quote(full)

    def value(self, value, depth=0):
        """One value as JSON text."""
        self.left -= 4
        kind = type(value)
        if value is None:
            return "null"
        if kind is bool:
            return "true" if value else "false"
        for base, method in _BASES:
            if issubclass(kind, base):
                return method(self, value, depth)
        return self.text(object.__repr__(value))

    def hidden(self):
        """What stands for a secret. The contract leaves open whether results hide them, too."""
        return '"***"' if self.redact else quote(ANY)

    def integer(self, value, depth):
        """Decimal digits, or how many bits there would be."""
        value = int.__pos__(value)
        bits = value.bit_length()
        if bits > 3400:
            return quote("<int of %d bits>" % bits)
        return int.__repr__(value)

    def real(self, value, depth):
        """repr is the shortest text that reads back the same."""
        text = float.__repr__(value)
        special = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text)
        return quote(special) if special else text

    def string(self, value, depth):
        return self.text(value)

    def octets(self, value, depth):
        """As Python prints it."""
        return self.text(print_bytes(value))

    def array(self, value, depth):
        """list and tuple."""
        base = list if issubclass(type(value), list) else tuple
        items = base.__getitem__(value, slice(ITEMS + 1))
        if base.__len__(value) == 2 and is_redacted(items[0]):
            return "[%s, %s]" % (self.value(items[0], depth + 1), self.hidden())
        return self.sequence(items, depth)

    def members(self, value, depth):
        """set and frozenset, in the order of the table."""
        base = set if issubclass(type(value), set) else frozenset
        items = list(base.__iter__(value))
        return self.sequence(items, depth, loose=len(items) > SMALL_SET)

    def sequence(self, items, depth, loose=False):
        """The elements of a list, tuple or set."""
        if depth >= DEPTH:
            return '"..."'
        parts = [quote(LOOSE)] if loose else []
        for number, item in enumerate(items):
            if number == ITEMS or self.left <= 0:
                parts.append('"..."')
                break
            parts.append(self.value(item, depth + 1))
        return "[" + ", ".join(parts) + "]"

    def mapping(self, value, depth):
        """A dict in the order of its table."""
        if depth >= DEPTH:
            return '"..."'
        items = list(dict.items(value))
        parts = []
        for number, (key, item) in enumerate(items):
            if number == ITEMS or self.left <= 0:
                parts.append('"...": "..."')
                break
            text = self.hidden() if is_redacted(key) else self.value(item, depth + 1)
            parts.append(self.key(key) + ": " + text)
        return "{" + ", ".join(parts) + "}"

    def key(self, key):
        """The text of a dict key."""
        kind = type(key)
        if issubclass(kind, str):
            return self.text(key)
        if kind is bool or key is None:
            return quote(repr(key))
        if issubclass(kind, int):
            return quote(int.__repr__(int.__pos__(key)))
        if issubclass(kind, float):
            return quote(float.__repr__(key))
        if issubclass(kind, bytes):
            return self.text(print_bytes(key))
        if issubclass(kind, (list, tuple, dict, set, frozenset, BaseException)):
            return quote(ANY)
        return quote(object.__repr__(key))

    def exception(self, value, depth):
        """ValueError('Invalid input'), for arguments that can be printed so."""
        args = BaseException.args.__get__(value)
        if not all(type(arg) in _SIMPLE for arg in args):
            return quote(ANY)
        inside = ", ".join(print_simple(arg) for arg in args)
        return self.text("%s(%s)" % (type(value).__name__, inside))


_BASES = (
    (int, Renderer.integer), (float, Renderer.real), (str, Renderer.string),
    ((bytes, bytearray), Renderer.octets), ((list, tuple), Renderer.array),
    ((set, frozenset), Renderer.members), (dict, Renderer.mapping),
    (BaseException, Renderer.exception),
)


def print_bytes(value):
    """bytes and bytearray, subclasses as their base."""
    if issubclass(type(value), bytearray):
        return "bytearray(%s)" % bytes.__repr__(bytes(bytearray.__getitem__(value, slice(ENOUGH))))
    return bytes.__repr__(bytes.__getitem__(value, slice(ENOUGH)))


def print_simple(value):
    """repr of a value of an exact built-in type; digits past any limit are not needed."""
    if type(value) is int and value.bit_length() > 3400:
        return "<int of %d bits>" % value.bit_length()
    return repr(value)


def render(value):
    """A result as JSON text."""
    return Renderer(redact=False).value(value)


def render_args(pairs):
    """The JSON object of a call's arguments, from (name, value) pairs."""
    renderer = Renderer(redact=True)
    parts = []
    for name, value in pairs[:PARAMETERS]:
        hidden = is_redacted(name)
        parts.append(quote(name) + ": " + ('"***"' if hidden else renderer.value(value)))
    if len(pairs) > PARAMETERS:
        parts.append('"...": "..."')
    return "{" + ", ".join(parts) + "}"


def exception_parts(error):
    """Type name and message of an exception; ANY where only the application could say it."""
    return [type(error).__name__, _message(error)]


def _message(error):
    """str(error) by the built-in class's __str__; ANY where that shows more than the args."""
    args = BaseException.args.__get__(error)
    builtin = next(base for base in type(error).__mro__ if base.__module__ == "builtins")
    if not all(type(arg) in _SIMPLE for arg in args) or issubclass(builtin, _OWN_STR):
        return ANY
    if any(type(arg) is int and arg.bit_length() > 3400 for arg in args):
        return ANY
    return builtin.__str__(error)[:ENOUGH]


_OWN_STR = (SyntaxError, UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError)
