"""The process that evaluates expressions. It imports nothing else of the server, and is started by `app.executor.expressions`."""
