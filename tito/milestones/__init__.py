"""Running the milestone scripts and comparing what they measured with the targets."""
