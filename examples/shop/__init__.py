# SPDX-License-Identifier: MIT
"""A small shop: what flowtrace-bpf's demo and tests look at."""
