# SPDX-License-Identifier: MIT
"""Web frameworks: a module each, imported only where the framework is installed; wsgi and asgi
are for any other application."""
