"""The HTTP server: uvicorn and gunicorn as this project runs them."""
