# SPDX-License-Identifier: MIT
"""Taking money."""
from shop.errors import PaymentDeclined


def checksum(card):
    """The Luhn sum of a card number; 0 when the number is valid."""
    digits = [int(char) for char in reversed(card) if char.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10


class PaymentService:
    """Charges cards. `token` is what the bank knows us by."""

    def __init__(self, token):
        self._token = token

    def charge(self, card, amount):
        """Takes the amount from the card; returns the receipt's number."""
        if not card or checksum(card):
            raise PaymentDeclined("the card number is not valid")
        return self._send({"amount": amount, "card": card[-4:], "token": self._token})

    def _send(self, message):
        """Where a real shop would call its bank."""
        return f"R-{message['card']}-{message['amount']}"
