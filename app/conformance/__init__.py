"""Proofs from outside: what tells that a deployment keeps to the contract. They speak HTTP and import no other part."""
