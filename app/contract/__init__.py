"""Everything that reads the YAML: the boot checks, the plans made from it, and the middleware that carries them out."""
