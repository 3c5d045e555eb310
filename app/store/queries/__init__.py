"""What is read: views of the tables, pages of them, and what refers to what."""
