# SPDX-License-Identifier: MIT
"""A small Django application: its migrations, its views, its tests."""
