"""What was found, in the words and shapes that people and programs read: tables, JSON, pages."""
