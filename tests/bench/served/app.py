# SPDX-License-Identifier: MIT
"""A page with what applications do: some calls of their own between those of the framework."""
from flask import Flask
from served import TRACED

app = Flask(__name__)
STOCK = {"tea": 4.5, "coffee": 6.25, "sugar": 1.2, "milk": 0.99}

if TRACED:
    from flowtrace_agent.frameworks.flask import init_flowtrace

    init_flowtrace(app)


class Item:
    def __init__(self, name, price):
        self.name, self.price = name, price

    def with_tax(self):
        return round(self.price * 1.19, 2)

    def line(self):
        return "%s: %.2f" % (self.name, self.with_tax())


def items():
    return [Item(name, price) for name, price in STOCK.items()]


@app.route("/<name>")
def page(name):
    lines = [item.line() for item in items()]
    return "Hello, %s\n%s\n" % (name, "\n".join(lines))
