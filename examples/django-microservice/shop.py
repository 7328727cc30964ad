# SPDX-License-Identifier: MIT
"""The purchase service: a catalogue in the cache, a stock in the database, and the way of an order
through both.
"""
import sqlite3

from django.conf import settings
from django.core.cache import cache

PRICES = {"tea": 390, "coffee": 550, "saffron": 1290}  # in cents
STOCK = {"tea": 100, "coffee": 100, "saffron": 1}


class Refused(Exception):
    """An order that cannot be; .status is its answer's."""

    status = 400


class UnknownProduct(Refused):
    status = 404


class OutOfStock(Refused):
    status = 409


class Declined(Refused):
    status = 402


# ---- the database ----------------------------------------------------------------------------


class Database:
    """Stock and orders. A context manager: all of it happens, or nothing."""

    def __enter__(self):
        self.connection = sqlite3.connect(settings.SHOP_DATABASE, timeout=10)
        self.connection.execute("CREATE TABLE IF NOT EXISTS stock (product TEXT PRIMARY KEY, n INTEGER)")
        self.connection.execute("CREATE TABLE IF NOT EXISTS orders "
                                "(id INTEGER PRIMARY KEY, product TEXT, n INTEGER, cents INTEGER)")
        self.connection.executemany("INSERT OR IGNORE INTO stock VALUES (?, ?)", STOCK.items())
        self.connection.commit()
        return self

    def __exit__(self, kind, why, traceback):
        if kind is None:
            self.connection.commit()
        else:
            self.connection.rollback()
        self.connection.close()

    def left(self, product):
        return self.connection.execute("SELECT n FROM stock WHERE product = ?",
                                       (product,)).fetchone()[0]

    def take(self, product, n):
        """False: so many are not there."""
        done = self.connection.execute("UPDATE stock SET n = n - ? WHERE product = ? AND n >= ?",
                                       (n, product, n))
        return done.rowcount == 1

    def file(self, product, n, cents):
        return self.connection.execute("INSERT INTO orders (product, n, cents) VALUES (?, ?, ?)",
                                       (product, n, cents)).lastrowid


# ---- the cache -------------------------------------------------------------------------------


def price_of(product):
    """From the cache, where it stays for a minute."""
    cents = cache.get("price:" + product)
    if cents is None:
        cents = load_price(product)
        cache.set("price:" + product, cents, 60)
    return cents


def load_price(product):
    if product not in PRICES:
        raise UnknownProduct(product)
    return PRICES[product]


# ---- an order --------------------------------------------------------------------------------


def charge(card, cents):
    """As a payment service would."""
    if not card.isdigit() or sum(map(int, card)) % 10 == 0:
        raise Declined("card ends in %s" % card[-4:])
    return {"charged": cents}


def purchase(product, n, card):
    """Takes the goods, then the money; without the money the goods stay."""
    cents = n * price_of(product)
    with Database() as database:
        if not database.take(product, n):
            raise OutOfStock("%s: %d left" % (product, database.left(product)))
        charge(card, cents)
        return {"order": database.file(product, n, cents), "cents": cents}
