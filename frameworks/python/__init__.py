# SPDX-License-Identifier: MIT
"""Web frameworks: one module each, which is imported only by whoever has the framework; wsgi and asgi
are for any other application."""
