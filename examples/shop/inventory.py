# SPDX-License-Identifier: MIT
"""Which products there are, and how many of each."""
import threading

from shop.errors import NotFound, OutOfStock
from shop.models import Product

PRODUCTS = (
    Product("apple", "Apple", 40),
    Product("bread", "Bread", 350),
    Product("tea", "Tea, 100 g", 690),
    Product("saffron", "Saffron, 1 g", 1290),
)


class Inventory:
    """The stock of one shop. Safe to use from several threads."""

    def __init__(self, stock):
        self._products = {product.sku: product for product in PRODUCTS}
        self._stock = dict(stock)
        self._lock = threading.Lock()

    def all(self):
        """Every product with the number in stock."""
        return [(product, self._stock.get(product.sku, 0)) for product in PRODUCTS]

    def find(self, sku):
        """The product with this number."""
        try:
            return self._products[sku]
        except KeyError:
            raise NotFound(f"no product {sku!r}") from None

    def reserve(self, lines):
        """Takes all the lines of an order out of the stock, or none."""
        with self._lock:
            for sku, quantity in lines.items():
                self._check(sku, quantity)
            for sku, quantity in lines.items():
                self._stock[sku] -= quantity

    def release(self, lines):
        """Puts the lines of an order back."""
        with self._lock:
            for sku, quantity in lines.items():
                self._stock[sku] += quantity

    def _check(self, sku, quantity):
        left = self._stock.get(sku, 0)
        if quantity > left:
            raise OutOfStock(f"{quantity} of {sku} wanted, {left} left")
