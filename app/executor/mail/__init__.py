"""E-mails of stages: their text, their links, and their delivery."""
