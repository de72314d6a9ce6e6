"""Reports for people and programs: tables, JSON, pages."""
