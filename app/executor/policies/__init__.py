"""Evaluation of policies: one module per kind, named after the kind's app in authentik."""
