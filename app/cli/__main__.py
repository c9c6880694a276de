"""`python -m app.cli …`, for where the console script is not installed."""

from app.cli.main import main

if __name__ == "__main__":
    main()
