"""The curriculum: manifest, exercises, hints and planted mistakes, learners' notebooks."""
