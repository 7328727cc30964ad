# SPDX-License-Identifier: MIT
"""The things the shop deals in. Amounts are in cents."""
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True)
class Product:
    """Something that can be bought."""

    sku: str
    name: str
    price: int


class OrderStatus(Enum):
    """How far an order has come."""

    PAID = "paid"
    DECLINED = "declined"


@dataclass
class Order:
    """What a customer wants, and what it costs."""

    number: int
    lines: dict = field(default_factory=dict)
    total: int = 0
    status: OrderStatus = OrderStatus.DECLINED

    def to_dict(self):
        """The order as it is sent to the customer."""
        return {"number": self.number, "lines": self.lines, "total": self.total,
                "status": self.status.value}
