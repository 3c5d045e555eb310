"""The kinds of policies that are evaluated while a flow runs, a module each, named as the kind's app in authentik."""
