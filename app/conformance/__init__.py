"""Conformance tests of a deployment, over HTTP. They import no other package of `app`."""
