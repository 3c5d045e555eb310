"""`python -m flows_server`: the command line."""

from flows_server.command import main

if __name__ == "__main__":
    main()
