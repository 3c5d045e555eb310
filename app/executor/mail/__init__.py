"""E-mails of stages: what they say, and how they are sent."""
