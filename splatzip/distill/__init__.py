"""Less view-dependent colour: lower SH degrees that stand in for higher ones."""
