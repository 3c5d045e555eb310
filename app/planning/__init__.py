"""What a flow does, as far as that shows without running it: a diagram of it, and a plan for one caller."""
