# SPDX-License-Identifier: MIT
"""What can go wrong in the shop, and the HTTP status that says so."""


class ShopError(Exception):
    """Base of the errors that a customer is told about."""

    status = 400


class NotFound(ShopError):
    """There is no such product or order."""

    status = 404


class OutOfStock(ShopError):
    """More was ordered than there is."""

    status = 409


class PaymentDeclined(ShopError):
    """The card was not accepted."""

    status = 402
