# SPDX-License-Identifier: MIT
"""Placing and finding orders."""
import itertools

from shop.errors import NotFound, PaymentDeclined, ShopError
from shop.models import Order, OrderStatus


class OrderService:
    """Brings inventory and payments together."""

    def __init__(self, inventory, payments):
        self._inventory = inventory
        self._payments = payments
        self._orders = {}
        self._numbers = itertools.count(1)

    def place(self, lines, card):
        """Reserves, charges and files an order."""
        order = Order(next(self._numbers), dict(lines), self.price(lines))
        self._inventory.reserve(order.lines)
        self._orders[order.number] = order
        self._pay(order, card)
        return order

    def price(self, lines):
        """What an order costs, with the discount for large ones."""
        if not lines:
            raise ShopError("an order needs at least one line")
        total = sum(self._line_price(sku, quantity) for sku, quantity in lines.items())
        return total - discount(total)

    def find(self, number):
        """The order with this number."""
        if number not in self._orders:
            raise NotFound(f"no order {number}")
        return self._orders[number]

    def _line_price(self, sku, quantity):
        if quantity <= 0:
            raise ShopError(f"quantity of {sku} must be positive, not {quantity}")
        return self._inventory.find(sku).price * quantity

    def _pay(self, order, card):
        try:
            self._payments.charge(card, order.total)
        except PaymentDeclined:
            self._inventory.release(order.lines)
            raise
        order.status = OrderStatus.PAID


def discount(total):
    """Five per cent from 100.00 on."""
    return total * 5 // 100 if total >= 10000 else 0
