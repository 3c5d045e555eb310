"""The benchmark: the project against peers that do the same in other frameworks, on this machine, in one run."""
