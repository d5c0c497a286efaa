"""For authors of modules: lint, order, the proof, mutants."""
