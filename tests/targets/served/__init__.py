# SPDX-License-Identifier: MIT
"""Applications and servers of the standard library alone, for requests that are seen from outside.
`python -m served` starts them all; every path is /NAME/N, N the client's number of the request."""
