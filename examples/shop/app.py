# SPDX-License-Identifier: MIT
"""The shop's web side: a Flask application named `app`."""
import collections
import os

from flask import Flask, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from shop.errors import ShopError
from shop.inventory import Inventory
from shop.orders import OrderService
from shop.payments import PaymentService

app = Flask(__name__)
inventory = Inventory({"apple": 1000000, "bread": 1000000, "tea": 1000000, "saffron": 3})
orders = OrderService(inventory, PaymentService(token="shop-secret"))

# How often each handler of this process was called: the tests compare it with the trace.
calls = collections.Counter()


@app.before_request
def count_call():
    """Counts the request for /count."""
    calls[request.endpoint] += 1


@app.errorhandler(ShopError)
def shop_error(error):
    """Tells the customer what went wrong."""
    return jsonify(error=str(error)), error.status


@app.errorhandler(HTTPException)
def http_error(error):
    """The same for what Flask finds wrong with a request."""
    return jsonify(error=error.name), error.code


@app.get("/")
def index():
    """What the shop sells, in one line."""
    return jsonify(shop="flowtrace", products=len(inventory.all()))


@app.get("/products")
def list_products():
    """Every product with its price and stock."""
    return jsonify([{"sku": product.sku, "name": product.name, "price": product.price,
                     "stock": stock} for product, stock in inventory.all()])


@app.get("/products/<sku>")
def show_product(sku):
    """One product."""
    product = inventory.find(sku)
    return jsonify(sku=product.sku, name=product.name, price=product.price)


@app.post("/orders")
def place_order():
    """Orders {"lines": {sku: quantity}, "card": number}."""
    data = request.get_json()
    if not isinstance(data, dict) or not isinstance(data.get("lines"), dict):
        abort(400)
    order = orders.place(data["lines"], data.get("card", ""))
    return jsonify(order.to_dict()), 201


@app.get("/orders/<int:number>")
def show_order(number):
    """One order."""
    return jsonify(orders.find(number).to_dict())


@app.get("/quote/<sku>/<int:quantity>")
def quote(sku, quantity):
    """What so many of a product would cost; the handler that load tests call."""
    return jsonify(sku=sku, quantity=quantity, total=orders.price({sku: quantity}))


@app.get("/count")
def count():
    """How often each handler of this worker was called, and which worker it is."""
    return jsonify(pid=os.getpid(), calls=dict(calls))
