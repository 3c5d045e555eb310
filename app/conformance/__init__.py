"""Conformance tests of a deployment, over HTTP. They import neither the store nor the application."""
