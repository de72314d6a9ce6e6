"""Less colour that depends on direction: what lower SH degrees make of higher ones."""
