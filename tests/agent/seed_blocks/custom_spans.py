# SPDX-License-Identifier: MIT
"""Custom spans: decorated functions that call each other."""
from flowtrace_agent import init_decorator_logger, trace

init_decorator_logger()


@trace
def process_order(order_id):
    validate_order(order_id)
    charge_payment(order_id)
    ship_order(order_id)


@trace
def validate_order(order_id):
    pass


@trace
def charge_payment(order_id):
    pass


def ship_order(order_id):
    pass


process_order(7)
# trace: ENTER process_order {"order_id": 7}
# trace: ENTER validate_order {"order_id": 7}
# trace: EXIT validate_order null
# trace: ENTER charge_payment {"order_id": 7}
# trace: EXIT charge_payment null
# trace: EXIT process_order null
