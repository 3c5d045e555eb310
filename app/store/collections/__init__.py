"""The collections of the store: flows, objects of models, bindings, tokens, files."""
