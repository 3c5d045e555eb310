"""What is kept: flows, objects of models, bindings, tokens, files."""
