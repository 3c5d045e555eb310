"""The diagram of a flow."""
