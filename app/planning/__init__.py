"""Static analysis of a flow: its diagram, and its plan for one caller."""
