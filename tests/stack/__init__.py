"""The stack of docker-compose.yml as a whole: `make stack-test`. It needs a Docker engine, so `make test` leaves it out."""
