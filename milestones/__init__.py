"""The historical milestones: what you can build with the modules, shown by running it."""
