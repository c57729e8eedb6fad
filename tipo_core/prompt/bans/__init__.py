"""Ban rules, and the regular expressions without backtracking that they may use."""
