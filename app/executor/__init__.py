"""Running flows: plans, sessions, and one module per kind of stage and of policy."""
