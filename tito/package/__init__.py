"""The package `tinytorch`: exported files, façades, placeholders, and whose code runs."""
